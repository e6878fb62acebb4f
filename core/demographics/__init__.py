"""Demographics: who a patient is; nothing is said of them that may not be."""
