"""What the demographics queries share: their parameters, and how their answers are dressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from lxml import etree
from msgspec import Struct

from core.values.demographics import Patient
from legacy_contracts import ns
from legacy_contracts.envelopes.nasp import PROCESS, VERSION
from legacy_contracts.envelopes.soap import BODY, QUERY_GROUPS, WsaEnvelope, national_sender
from legacy_contracts.hl7.rim import Xml
from legacy_contracts.hl7.rules import Group, Rule, Rules
from legacy_contracts.interaction import Generation, Interaction, Pattern, Reply

SERVICE: Final = "pdsquery"
OLD_SERVICE: Final = "pds"
"""The service that the MIM 2.3 validators name (p1r1_RetrievalQueryValidation)."""

QUERY: Final = f"{BODY}/hl7:ControlActEvent[1]/hl7:query[1]"
REFUSAL: Final = "QUQI_IN010000UK14"
OLD_REFUSAL: Final = "QUQI_IN010000UK01"
ENVELOPE: Final = WsaEnvelope()

VERSIONS: Final = {
    Generation.MIM_3_1: "V3NPfIT3.0",
    Generation.V2006B: "V3NPfIT4.2.00",
    Generation.V2008A: "3NPfIT6.3.01",
    Generation.V2008B: "3NPfIT7.2.02",
}


class PatientReply(Struct, frozen=True):
    """An answer about one patient: the record, and for a retrieval which items were asked."""

    patient: Patient
    items: tuple[str, ...] = ()


class Query(Struct, frozen=True):
    """What the WS-Addressing generations of one query share: all but their ids and payloads.

    `version` is given where captured answers show another version code than the generation's;
    `inferred` is what no public source shows of any generation.
    """

    name: str
    rules: Rules
    parse: Callable[[etree._Element], Any]
    wrapper: str
    version: str | None = None
    inferred: tuple[str, ...] = ()

    def row(
        self,
        ids: tuple[str, str],
        generation: Generation,
        build: Callable[[PatientReply], Xml],
        *inferred: str,
    ) -> Interaction:
        """Give a generation's row: the ids of query and answer, the payload, what is inferred.

        The captured 2006B answer names the service as its sender and has no contextConductionInd.
        """
        request, answer = ids
        after_service = generation is Generation.V2006B
        return Interaction(
            interaction_id=request,
            name=self.name,
            service=SERVICE,
            pattern=Pattern.SYNC,
            generation=generation,
            rules=self.rules,
            parse=self.parse,
            build=build,
            reply=Reply(
                interaction_id=answer,
                version_code=self.version or VERSIONS[generation],
                wrapper=self.wrapper,
                prefix="SOAP-ENV",
                wsa_from=f"{ns.SERVICES}{SERVICE}" if after_service else national_sender(SERVICE),
            ),
            refusal_id=REFUSAL,
            envelope=ENVELOPE,
            inferred=(*self.inferred, *inferred),
        )


def query_rules(place: str, rules: Iterable[Rule]) -> Rules:
    """Give the rules of a query: those of every query, then its own at its place."""
    return Rules((*QUERY_GROUPS, Group(place, tuple(rules))))


class Below(Struct, frozen=True):
    """Readers of what stands below a query."""

    query: str

    def nodes(self, *paths: str) -> etree.XPath:
        """Give a reader of the nodes that any of the paths finds, in order."""
        joined = " | ".join(f"{self.query}/{path}" for path in paths)
        return etree.XPath(joined, namespaces=ns.PREFIXES, smart_strings=False)

    def text(self, path: str) -> etree.XPath:
        """Give a reader of the first node's text, empty where there is none."""
        found = f"string({self.query}/{path})"
        return etree.XPath(found, namespaces=ns.PREFIXES, smart_strings=False)


def first_text(found: list[etree._Element]) -> str | None:
    """Give the text of the first node, or None where it says nothing."""
    return ((found[0].text or "").strip() or None) if found else None


def old_query(name: str) -> str:
    """Give the place of a MIM 2.3 query."""
    return f"{PROCESS}/hl7:{name}"


def old_reply(interaction_id: str, payload: str) -> Reply:
    """Give how MIM 2.3 dresses its answers: the payload's element, and no WS-Addressing."""
    return Reply(interaction_id, VERSION, payload, "SOAP-ENV", "")
