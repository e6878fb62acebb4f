"""The Spine Mini Services: demographics over SOAP and the interoperability toolkit's envelopes."""
