"""XML namespaces of the wire, in one place."""

from typing import Final

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
WSA: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
HL7: Final = "urn:hl7-org:v3"
NASP: Final = "http://national.carerecords.nhs.uk/schema/"
CRS: Final = "http://national.carerecords.nhs.uk/schema/crs/"

SERVICES: Final = "urn:nhs:names:services:"
"""What a service's name starts with in wsa:Action, SOAPAction and eb:Service."""

PREFIXES: Final = {"soap": SOAP, "wsa": WSA, "hl7": HL7}
"""The prefixes that our own XPath expressions use."""
