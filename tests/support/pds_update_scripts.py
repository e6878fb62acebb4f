"""What happens in the recordings of demographic updates, and what a query shows afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import old_update_messages as old
import register_messages as told
import update_messages as made
from ebxml_messages import Message
from hub_messages import TO_THE_HUB
from msgspec.structs import replace
from recording_cases import OPEN
from scripted import (
    LESS_ALLOWED_ASID,
    OTHER,
    Comes,
    Made,
    Script,
    fetched,
    once,
    posted,
    raw,
    sent_by,
    spoilt,
    twice,
    wrong,
)
from update_messages import Asked, Sections
from wire_requests import Details, request
from wrapped_messages import Route

POLLED: Final = "/clinical"
QUERIES: Final = (
    "QUPA_IN040000UK01",
    "QUPA_IN040000UK14",
    "QUPA_IN040000UK32",
    "QUPA_IN000008UK02",
    "QUPA_IN000008UK05",
)
"""A retrieval in every generation."""


def asking(interaction: str, sections: Sections, **more: str) -> Made:
    """Give a script of one update."""
    return once(lambda: update(interaction, Asked(sections, **more)))


def update(interaction: str, asked: Asked, route: Route = TO_THE_HUB) -> Message:
    """Give an update of any generation."""
    make = old.update if interaction in old.ANSWERS else made.update
    return make(interaction, asked, route)


def everything(interaction: str) -> Sections:
    """Give every section that an interaction of any generation has room for."""
    make = old.everything if interaction in old.ANSWERS else made.everything
    return make(interaction)


def then_queried(
    interaction: str, sections: Sections, asked: Details = OPEN, *, history: str = "0"
) -> Made:
    """Give a script of one update, after which every generation of queries shows the record."""
    asked = replace(asked, history=history)

    def script() -> Script:
        came = posted(update(interaction, Asked(sections, nhs_number=asked.nhs_number)))
        return Script((came, *(Comes(_query(one, asked)) for one in QUERIES)))

    return script


def _query(interaction: str, asked: Details) -> bytes:
    body = request(interaction, asked)
    return raw(body, ("Content-Type", "text/xml; charset=utf-8"), path="/sync-service")


def _whole(interaction: str) -> Message:
    return update(interaction, Asked(everything(interaction)))


def shared(interaction: str) -> Mapping[str, Made]:
    """Give the cases that every update has."""

    def whole() -> Message:
        return _whole(interaction)

    sections = everything(interaction)
    return {
        "updated": once(whole),
        "then-queried": then_queried(interaction, sections),
        "duplicate-message-id": twice(whole),
        "polled": lambda: Script((posted(whole(), path=POLLED), Comes(fetched))),
        "polled-by-another": lambda: Script(
            (posted(whole(), path=POLLED), Comes(fetched, by=OTHER))
        ),
        # AE: the record, as it stands
        "stale-serial-change-number": asking(interaction, sections, scn="6"),
        "future-serial-change-number": asking(interaction, sections, scn="8"),
        "serial-change-number-no-number": asking(interaction, sections, scn="seven"),
        "not-found": asking(interaction, sections, nhs_number="9990000085", scn="1"),
        "wrong-check-digit": asking(interaction, sections, nhs_number="9990000019"),
        "superseded": asking(interaction, sections, nhs_number="9990000026", scn="3"),
        "no-longer-in-use": asking(interaction, sections, nhs_number="9990000034", scn="1"),
        "restricted": asking(interaction, sections, nhs_number="9990000042", scn="4"),
        # AE: the rules that find the record
        "no-serial-change-number": spoilt(
            whole,
            r"<pertinentInformation typeCode=\"PERT\"><pertinentSerial.*?</pertinentInformation>",
            "",
        ),
        "no-such-kind-of-update": asking(interaction, sections, kind="3"),
        "nothing-asked": asking(interaction, {}),
        # AR, MessageError
        "id-is-no-uuid": spoilt(whole, r'(<id root=")[0-9A-F-]{36}"', r'\1message-1"'),
        "no-creation-time": spoilt(whole, r"<creationTime [^>]*/>", ""),
        "system-not-allowed": once(
            lambda: update(
                interaction, Asked(sections), replace(TO_THE_HUB, from_asid=LESS_ALLOWED_ASID)
            )
        ),
        "access-refused": sent_by(whole, OTHER),
        "unknown-cpa": wrong(whole, cpa_id="S9999999A9999999"),
    }


def items(interaction: str) -> Mapping[str, Made]:
    """Give the cases of updates that bring items."""
    removed = {
        "addr": made.address("removed", "a3", use="TMP"),
        "telecom": made.telecom("removed", "t2", use="MC"),
        "name": made.name("removed", "n2", use="PREVIOUS-BIRTH"),
        "provisions": made.provision(interaction, "removed", "g3"),
        "related": made.related(interaction, "removed", "r1"),
        "order": made.order("removed", None),
        "language": made.language(interaction, "removed"),
        "contact": made.contact("removed"),
        "written": made.written("removed"),
        "healthspace": made.healthspace("removed"),
        "secret": made.secret("removed"),
        "consents": made.consent(interaction, "removed", "6"),
    }
    unknown = {"addr": made.address("altered", "a9")}
    return {
        "removed": asking(interaction, removed),
        "corrected": asking(interaction, made.everything(interaction), kind="2"),
        "practice-registered": then_queried(
            interaction,
            {"provisions": made.provision(interaction, "altered", "g1", kind="1", code="T99999")},
        ),
        "pharmacy-nominated": then_queried(
            interaction, {"provisions": made.provision(interaction, "altered", "g3")}
        ),
        "related-person-added": then_queried(
            interaction, {"related": made.related(interaction, "added")}
        ),
        "unknown-object-id": asking(interaction, unknown),
        "altered-without-id": asking(interaction, {"addr": made.address("altered")}),
        "usual-name-removed": asking(interaction, {"name": made.name("removed", "n1", use="L")}),
        "second-usual-name": asking(interaction, {"name": made.name("added", use="L")}),
        "gender-removed": asking(interaction, {"gender": made.gender(interaction, "removed")}),
        "several-faults": asking(
            interaction,
            {
                "addr": made.address("removed", use="H"),
                "telecom": made.telecom("added", value=""),
                "name": made.name("removed", use="L"),
            },
        ),
        "related-person-without-name": spoilt(
            lambda: made.update(
                interaction, Asked({"related": made.related(interaction, "added")})
            ),
            r"<name use=\"L\">.*?</name>",
            "",
        ),
    }


def deaths(interaction: str) -> Mapping[str, Made]:
    """Give the cases of updates that tell of a death."""
    late = {"nhs_number": "9990000050", "scn": "12"}
    informal = made.dead(interaction)
    return {
        "death-informal": then_queried(interaction, informal),
        "death-formal": then_queried(interaction, made.dead(interaction, code="2")),
        "death-in-future": asking(interaction, made.dead(interaction, time="20150101")),
        "death-before-birth": asking(interaction, made.dead(interaction, time="19400101")),
        "formal-death-stands": asking(interaction, made.dead(interaction, "altered"), **late),
        "death-without-notification": asking(interaction, {**informal, "death": ""}),
    }


def consents(interaction: str) -> Mapping[str, Made]:
    """Give the cases of updates that bring consents to record sharing."""
    return {
        "consent-given": then_queried(
            interaction, {"consents": made.consent(interaction, "altered", value="1")}
        ),
        "consent-removed": asking(
            interaction, {"consents": made.consent(interaction, "removed", "4")}
        ),
    }


def register(interaction: str) -> Mapping[str, Made]:
    """Give the cases of updates by the local register."""
    event = made.FORMS[interaction]
    assert event.register
    registered = made.provision(interaction, "added", kind="1", code="T99999")
    moved = made.provision(interaction, "altered", "g1", kind="1", code="T99999")
    gone = made.removal(interaction, "added")
    return {
        "practice-registered": then_queried(interaction, {"provisions": moved}),
        "registered": then_queried(
            interaction, {"registration": made.registration(interaction, "altered")}
        ),
        "registration-removed": asking(
            interaction, {"registration": made.registration(interaction, "removed")}
        ),
        "removed-with-a-reason": then_queried(interaction, {"removal": gone}),
        "removal-taken-back": asking(
            interaction,
            {"removal": made.removal(interaction, "removed"), "provisions": registered},
            nhs_number="9990000050",
            scn="12",
        ),
        "removal-taken-back-without-practice": asking(
            interaction,
            {"removal": made.removal(interaction, "removed")},
            nhs_number="9990000050",
            scn="12",
        ),
        "practice-with-removal": asking(interaction, {"removal": gone, "provisions": moved}),
        "removal-without-reason": spoilt(
            lambda: update(interaction, Asked({"removal": gone})), r"<reasonCode [^>]*/>", ""
        ),
    }


def of_2_3(interaction: str) -> Mapping[str, Made]:
    """Give the cases of the oldest generation's general update."""
    cleared = old.TELECOM.replace(' value="tel:01632960009"', old.CLEARED)
    usual = old.NAME.replace(' use="L"', f' use="L"{old.CLEARED}')
    return {
        "telecom-cleared": then_queried(interaction, {"role": cleared}),
        "nothing-to-clear": asking(interaction, {"role": cleared.replace('"H"', '"WP"')}),
        "usual-name-cleared": asking(interaction, {"person": usual}),
        "practice-registered": then_queried(interaction, {"person": old.provision("T99999")}),
    }


def told_of(interaction: str) -> Mapping[str, Made]:
    """Give the cases of what only 2008B and the local register bring."""
    cases: dict[str, Made] = {}
    form = made.FORMS[interaction]
    if "identifiers" in form.subjects:
        cases |= {
            "called-elsewhere": then_queried(
                interaction, {"identifiers": told.identifier("added")}, history="1"
            ),
            "called-elsewhere-altered-without-id": asking(
                interaction, {"identifiers": told.identifier("altered")}
            ),
            "called-elsewhere-without-scheme": asking(
                interaction,
                {"identifiers": told.identifier("added").replace(told.SCHEME, "none")},
            ),
        }
    if form.register is not None:
        cases |= {
            "told-of-by-the-register": then_queried(
                interaction, told.everything(interaction), history="1"
            ),
            "paper-record-sent": then_queried(
                interaction, {"paper": told.paper(interaction, "added")}
            ),
            "no-paper-record-to-remove": asking(
                interaction, {"paper": told.paper(interaction, "removed")}
            ),
        }
    if "entitlement" in form.subjects:
        cases |= {
            "removed-by-an-authority": then_queried(
                interaction, {"removal": told.removed_by(interaction, "added")}
            ),
            "entitled-to-nothing-known": asking(
                interaction, {"entitlement": told.entitlement("added", "9")}
            ),
        }
    return cases


_COMMENTED: Final = {"consents": made.consent("PRPA_IN160000UK30", "altered", comments="")}


def _cases(interaction: str) -> Mapping[str, Made]:
    form = made.FORMS[interaction]
    cases = {**shared(interaction), **told_of(interaction)}
    if "addr" in form.role and form.register is None:
        cases.update(items(interaction))
    if form.register is not None:
        cases.update(register(interaction))
    if "death" in form.subjects:
        cases.update(deaths(interaction))
    if "consents" in form.subjects and interaction != "PRPA_IN110000UK15":
        cases.update(consents(interaction))
    if interaction == "PRPA_IN160000UK30":
        cases["warned-of-empty-comments"] = asking(interaction, _COMMENTED)
    return cases


def _old_cases(interaction: str) -> Mapping[str, Made]:
    # The oldest generation names parties: no system of one may be told from another.
    cases = {name: one for name, one in shared(interaction).items() if name != "system-not-allowed"}
    cases["another-party-in-payload"] = spoilt(
        lambda: _whole(interaction), r"T99999-9900001", "T88888-9900002"
    )
    if interaction == "PRPA_IN110000UK01":
        cases.update(of_2_3(interaction))
    if interaction == "PRPA_IN100000UK01":
        formal = old.everything(interaction, code="2")
        cases["death-formal"] = then_queried(interaction, formal)
        late = old.everything(interaction, time="20150101")
        cases["death-in-future"] = asking(interaction, late)
    return cases


PLACES: Final[Mapping[str, Mapping[str, Made]]] = {
    **{f"pds/{interaction}": _cases(interaction) for interaction in made.UPDATES},
    **{f"pds/{interaction}": _old_cases(interaction) for interaction in old.ANSWERS},
}
