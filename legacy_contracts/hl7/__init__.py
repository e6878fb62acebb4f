"""HL7 version 3: the grammar that builds it, the data types, the wrappers, the rules."""
