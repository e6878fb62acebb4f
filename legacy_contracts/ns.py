"""XML namespaces of the wire, in one place."""

from typing import Final

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
WSA: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
HL7: Final = "urn:hl7-org:v3"
EB: Final = "http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd"
XLINK: Final = "http://www.w3.org/1999/xlink"
HL7EBXML: Final = "urn:hl7-org:transport/ebXML/DSTUv1.0"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
XSI_MISSPELT: Final = "http://www.w3c.org/2001/XML-Schema-Instance"
"""What the Spine's own ebXML headers declare in its place (transport.md 1.2)."""

NASP: Final = "http://national.carerecords.nhs.uk/schema/"
CRS: Final = "http://national.carerecords.nhs.uk/schema/crs/"
NPFIT: Final = "urn:cfh-nhs-uk:npfit"

ITK: Final = "urn:nhs-itk:ns:201005"
WSA_2005: Final = "http://www.w3.org/2005/08/addressing"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"

SERVICES: Final = "urn:nhs:names:services:"
"""What a service's name starts with in wsa:Action, SOAPAction and eb:Service."""

PREFIXES: Final = {
    "soap": SOAP,
    "wsa": WSA,
    "hl7": HL7,
    "eb": EB,
    "xlink": XLINK,
    "npfit": NPFIT,
    "crs": CRS,
}
"""The prefixes that our own XPath expressions use."""
