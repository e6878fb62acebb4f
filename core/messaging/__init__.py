"""The hub: every message accepted is kept until it has arrived or is given up in words."""
