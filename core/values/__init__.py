"""Values that the core and the wire share: identities and the demographic record."""
