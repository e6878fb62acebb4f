"""From wire message to core command and back: pure functions and a row each."""
