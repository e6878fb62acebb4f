"""Where the core keeps what it knows: one port, three homes, one suite of tests for all."""
