"""The new Spine in plain words: it knows no SOAP, no HL7 and no interaction ids."""
