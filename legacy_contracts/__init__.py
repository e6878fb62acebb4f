"""The frozen wire: bytes to typed messages and back. No sockets, no clock, no core but values."""
