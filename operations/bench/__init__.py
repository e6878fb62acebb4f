"""`spine bench`: what the facade does in a second, and what a message costs, beside its targets."""
