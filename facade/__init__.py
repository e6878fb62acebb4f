"""Everything that listens: sockets, threads, workers, configuration."""
