"""SDS: the directory as its clients know it, over LDAP, as LDIF, and as FHIR."""
