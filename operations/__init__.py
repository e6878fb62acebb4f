"""Tools that drive the system from outside, and the one command line, `spine`."""
