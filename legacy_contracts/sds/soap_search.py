"""The search of accredited systems over SOAP: recognised, and refused.

Its id, its service (sdsquery) and that it is synchronous are public (integration-adaptor-mhs:
mhs/common/data/interactions/interactions.json); no schema and no example of it or of its answer
are. So nobody can be answered, and a SOAP fault 101 says so. It is known by its action, as every
interaction is, or by an element of its body that has its name.
"""

from __future__ import annotations

from typing import Final

from legacy_contracts.interaction import Unanswered

INTERACTION_ID: Final = "AccreditedSystemSearchRequest_1_0"
SERVICE: Final = "sdsquery"

UNANSWERED: Final = (
    Unanswered(
        name="SDS accredited system search",
        element=INTERACTION_ID,
        why="unknown: no public source shows its schema, or an example of it or of its answer; "
        "the directory is asked over LDAP and FHIR",
    ),
)
