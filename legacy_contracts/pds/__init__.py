"""The demographics conversations (service pdsquery), one module each."""
