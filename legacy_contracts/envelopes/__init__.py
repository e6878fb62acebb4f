"""The envelopes of the wire; the only code that knows them."""
