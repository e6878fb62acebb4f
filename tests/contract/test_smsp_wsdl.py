"""Our WSDL of the mini services is the published contract, and shares no word with it but names.

The published one is read where it lies, by `SPINE_SCHEMAS`; nothing of it is in this repository.
"""
