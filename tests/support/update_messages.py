"""Updates of demographics, whole and synthetic, in every generation.

An update is a set of sections, each in its generation's form; elements and their order are the
schemas' (pds.md A.13 to A.15). MIM 2.3 has none: its elements are those that its stylesheets name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from creation_messages import (
    NOTIFIED,
    ORGANISATION,
    act,
    coded,
    entity,
    link,
    notified,
    observed,
    role,
)
from ebxml_messages import RELIABLE, SOAP_NEXT, TO_PARTY_MSH, Message
from hub_messages import TO_THE_HUB
from msgspec import Struct
from msgspec.structs import replace
from wire_requests import NHS_NUMBER_ROOT
from wrapped_messages import CODES, Route, person, subject, system, wrapped_message

PATIENT: Final = "9990000018"
OBJECT_ID: Final = f"{CODES}.18.1"
USER: Final = "1.2.826.0.1285.0.2.0.65"

_ROLE_2008: Final = ("addr", "id", "telecom", "person")
_SUBJECTS_2008A: Final = ("consents", "contact", "healthspace", "written", "secret", "death")
_SUBJECTS_2008B: Final = ("identifiers", "consents", "blood", "organs", *_SUBJECTS_2008A[1:])
_PERSON_2008A: Final = (
    "gender",
    "birth",
    "deceased",
    "order",
    "name",
    "birthplace",
    "language",
    "provisions",
    "related",
)
_PERSON_2008B: Final = (
    "order",
    "name",
    "language",
    "provisions",
    "related",
    "birth",
    "deceased",
    "gender",
    "birthplace",
)
_ROLE_2006: Final = ("id", "addr", "telecom", "person")
_PERSON_2006: Final = (
    "name",
    "gender",
    "birth",
    "deceased",
    "order",
    "provisions",
    "related",
    "language",
)
_SUBJECTS_2006: Final = ("contact", "consents", "written", "secret", "healthspace", "death")


class Form(Struct, frozen=True):
    """In which order an interaction has its sections, and how it writes them."""

    role: tuple[str, ...]
    person: tuple[str, ...]
    subjects: tuple[str, ...]
    ending: tuple[str, ...]
    performed: bool = False
    parts: bool = False
    event: str = "patientCareProvision"
    request: str = "PdsUpdateRequest"
    death: str = "subjectOf7"
    consent: str = "subjectOf1"
    register: tuple[str, str] | None = None


FIRST: Final = ("author", "scn", "subject")
LAST: Final = ("subject", "author", "scn")

FORMS: Final[Mapping[str, Form]] = {
    "PRPA_IN000203UK03": Form(_ROLE_2008, _PERSON_2008A, _SUBJECTS_2008A, FIRST, performed=True),
    "PRPA_IN000203UK06": Form(
        _ROLE_2008, _PERSON_2008B, _SUBJECTS_2008B, FIRST, performed=True, parts=True
    ),
    "PRPA_IN160000UK30": Form(_ROLE_2006, _PERSON_2006, _SUBJECTS_2006, LAST),
    "PRPA_IN160000UK01": Form(_ROLE_2006, _PERSON_2006, _SUBJECTS_2006, LAST),
    "PRPA_IN110000UK15": Form(
        _ROLE_2006,
        tuple(one for one in _PERSON_2006 if one != "deceased"),
        tuple(one for one in _SUBJECTS_2006 if one != "death"),
        LAST,
    ),
    "PRPA_IN100000UK14": Form(("id", "person"), ("deceased",), ("death",), LAST, death="subjectOf"),
    "PRPA_IN000204UK03": Form(
        ("addr", "id", "person"),
        ("gender", "birth", "deceased", "name", "provisions", "registered"),
        ("paper", "death", "registration", "removal"),
        FIRST,
        performed=True,
        event="patientCareProvisionEvent",
        request="PdsNhaisUpdateRequest",
        death="subjectOf1",
        register=("subjectOf2", "subjectOf3"),
    ),
    "PRPA_IN000204UK06": Form(
        _ROLE_2008,
        (
            "order",
            "name",
            "language",
            "provisions",
            "related",
            "deceased",
            "gender",
            "birthplace",
            "birth",
        ),
        (
            "paper",
            "identifiers",
            "consents",
            "blood",
            "organs",
            "contact",
            "healthspace",
            "written",
            "secret",
            "registration",
            "death",
            "removal",
            "entitlement",
        ),
        FIRST,
        performed=True,
        parts=True,
        register=("subjectOf6", "subjectOf8"),
    ),
    "PRPA_IN120000UK14": Form(("id",), (), ("consents",), LAST, consent="subjectOf"),
}
UPDATES: Final = tuple(FORMS)
GENERAL: Final = UPDATES[:4]

ANSWERS: Final = {
    "PRPA_IN000203UK03": "PRPA_IN000202UK01",
    "PRPA_IN000203UK06": "PRPA_IN000202UK01",
    "PRPA_IN160000UK30": "PRPA_IN150000UK30",
    "PRPA_IN160000UK01": "PRPA_IN150000UK14",
    "PRPA_IN110000UK15": "PRPA_IN150000UK14",
    "PRPA_IN100000UK14": "PRPA_IN150000UK14",
    "PRPA_IN120000UK14": "PRPA_IN150000UK14",
    "PRPA_IN000204UK03": "PRPA_IN000209UK01",
    "PRPA_IN000204UK06": "PRPA_IN000209UK02",
}
"""Which interaction says that an update was done (pds.md 2), told apart here."""


def _mode(mode: str | None) -> str:
    return "" if mode is None else f' updateMode="{mode}"'


def _id(object_id: str | None) -> str:
    return "" if object_id is None else f'<id root="{OBJECT_ID}" extension="{object_id}"/>'


def _period(name: str, low: str | None, high: str | None = None) -> str:
    ends = (f'<low value="{low}"/>' if low else "") + (f'<high value="{high}"/>' if high else "")
    return f"<{name}>{ends}</{name}>" if ends else ""


def with_mode(element: str, mode: str | None) -> str:
    """Give an element with its mode."""
    name, mark, rest = element.partition(" ")
    return f"{name}{_mode(mode)}{mark}{rest}"


def address(mode: str, object_id: str | None = None, *, use: str = "H", town: str = "HULL") -> str:
    """Give an address; one that is removed is its use and id."""
    body = _id(object_id)
    if mode != "removed":
        body = (
            f"<streetAddressLine/><streetAddressLine>9 NEW ROAD</streetAddressLine>"
            f"<streetAddressLine/><streetAddressLine>{town}</streetAddressLine>"
            f"<streetAddressLine/><postalCode>HU1 9ZZ</postalCode>"
            f"{'<desc>Holiday Home</desc>' if use == 'TMP' else ''}"
            f"{_period('useablePeriod', '20140801', '20141001' if use == 'TMP' else None)}{body}"
        )
    return f'<addr use="{use}"{_mode(mode)}>{body}</addr>'


def telecom(
    mode: str, object_id: str | None = None, *, use: str = "H", value: str = "tel:01632960009"
) -> str:
    """Give a telecom; one that is removed is its use and id."""
    shown = "" if mode == "removed" else f' value="{value}"'
    return f'<telecom use="{use}"{shown}{_mode(mode)}>{_id(object_id)}</telecom>'


def name(
    mode: str, object_id: str | None = None, *, use: str = "A", family: str = "NEWNAME"
) -> str:
    """Give a name; one that is removed is its use and id."""
    body = _id(object_id)
    if mode != "removed":
        body = (
            f"<prefix>MRS</prefix><given>EDITH</given><given>ROSE</given><family>{family}</family>"
            f"{_period('validTime', '20140801')}{body}"
        )
    return f'<name use="{use}"{_mode(mode)}>{body}</name>'


def provision(
    interaction: str,
    mode: str,
    object_id: str | None = None,
    *,
    kind: str = "P1",
    code: str = "FA111",
) -> str:
    """Give a care provision in an interaction's form; one that is removed is its id."""
    form = FORMS[interaction]
    coding, own = coded("code", kind, "17.37"), _id(object_id)
    root = f'<id root="{ORGANISATION}" extension="{code}"/>'
    if form.performed:
        who = link("performer", role("assignedOrganization", root, "ASSIGNED"), "PRF")
    else:
        who = link("responsibleParty", role("healthCareProvider", root, "PROV"), "RESP")
    since = _period("effectiveTime", "20140801") if kind == "1" and not form.parts else ""
    if mode == "removed":
        since = who = ""
    body = coding + since + own + who if form.performed else own + coding + since + who
    event = with_mode(act(form.event, body, "PCPR"), mode)
    return role("playedOtherProviderPatient", link("subjectOf", event), "PAT")


def related(interaction: str, mode: str, object_id: str | None = None, *, more: str = "") -> str:
    """Give a related person who is known by name and address, in an interaction's form."""
    form, own = FORMS[interaction], _id(object_id)
    if mode == "removed":
        return with_mode(role("scopedRelatedPersonRole", own, "PRS"), mode)
    relation = coded("code", "12", "16.15") if form.parts else '<code code="12"/>'
    where = '<addr use="H"><streetAddressLine>4 HILL TOP</streetAddressLine></addr>'
    reached = '<telecom use="MC" value="tel:07700900002"/>'
    since = _period("effectiveTime", "20110101")
    placed = '<positionNumber value="2"/>'
    who = entity(
        "player",
        '<name use="L"><given>MARY</given><family>FIELD</family></name>'
        + language(interaction, None),
    )
    prefers = contact(None, "subjectOf1") + written(None, "subjectOf2")
    copied = role("partCorrespondence", coded("code", "1", "16.4"), "CON")
    kin = role("partNextOfKin", coded("code", "1", "16.13"), "NOK")
    if form.performed:
        body = (
            where + relation + since + own + placed + reached
            + link("part", copied, "PART") + link("part3", kin, "PART") + who + prefers + more
        )  # fmt: skip
    else:
        body = (
            own + relation + where + reached + since + placed + who + contact(None, "subjectOf1")
            + more + written(None, "subjectOf2")
            + link("part2", kin, "PART") + link("part1", copied, "PART")
        )  # fmt: skip
    return with_mode(role("scopedRelatedPersonRole", body, "PRS"), mode)


def _part(interaction: str, part: str, element: str, mode: str) -> str:
    if not FORMS[interaction].parts:
        return with_mode(element.replace("/>", " />"), mode)
    return with_mode(notified(part, element), mode)


def gender(interaction: str, mode: str, code: str = "9") -> str:
    """Give the gender in an interaction's form."""
    element = f'<administrativeGenderCode code="{code}"/>'
    return _part(interaction, "COCT_MT000209UK01.PartAdminGenderCode", element, mode)


def birth(interaction: str, mode: str, time: str = "19500204") -> str:
    """Give the time of birth in an interaction's form."""
    return _part(
        interaction, "COCT_MT000210UK01.PartBirthTime", f'<birthTime value="{time}"/>', mode
    )


def deceased(interaction: str, mode: str, time: str = "20140820") -> str:
    """Give the time of death in an interaction's form; removed, it is empty."""
    if mode == "removed":
        return (
            '<COCT_MT000211UK01.PartDeceasedTime classCode="PART" updateMode="removed"/>'
            if FORMS[interaction].parts
            else '<deceasedTime updateMode="removed"/>'
        )
    return _part(
        interaction, "COCT_MT000211UK01.PartDeceasedTime", f'<deceasedTime value="{time}"/>', mode
    )


def notification(interaction: str, mode: str, code: str = "1") -> str:
    """Give who told of a death, with the authority where an interaction has it there."""
    form = FORMS[interaction]
    value = "" if mode == "removed" else coded("value", code, "16.5")
    told = observed("deathNotification", "3", value)
    if form.parts:
        authority = role(
            "registeringAuthority",
            coded("code", "d", "16.20") + f'<id root="{ORGANISATION}" extension="A99001"/>',
            "ASSIGNED",
        )
        told = told.replace(
            "</deathNotification>",
            f"{link('responsibleParty', authority, 'RESP')}</deathNotification>",
        )
    return link(form.death, with_mode(told, mode))


def author(interaction: str, kind: str = "d") -> str:
    """Give the authority that registers a death, where the request names it."""
    form = FORMS[interaction]
    if form.parts:
        return ""
    own = f'<id root="{ORGANISATION}" extension="A99001"/>'
    where = own if form.performed else entity("representedRegisteringOrganization", own, "ORG")
    if form.register:
        who = role(
            "scopedAssignedPerson", f'<id root="{USER}" extension="990000000065"/>', "ASSIGNED"
        )
        where += entity("assignedRegisteringOrganization", who, "ORG")
    authority = role("registeringAuthority", coded("code", kind, "16.20") + where, "ASSIGNED")
    return link("author", authority, "AUT")


def dead(
    interaction: str, mode: str = "added", code: str = "1", time: str = "20140820"
) -> Sections:
    """Give the sections that tell of a death."""
    return {
        "deceased": deceased(interaction, mode, time),
        "death": notification(interaction, mode, code),
        "author": "" if mode == "removed" else author(interaction),
    }


def registration(interaction: str, mode: str, asid: str = "990000000088") -> str:
    """Give the registration with the local register; one that is removed is its code."""
    place, _ = _registers(interaction)
    body = coded("code", "01", "17.165")
    if mode != "removed":
        device = f'<id root="1.2.826.0.1285.0.2.0.107" extension="{asid}"/>'
        body += _period("effectiveTime", "20140801") + link(
            "custodian", role("assignedDevice", device, "ASSIGNED"), "CST"
        )
    return link(place, with_mode(act("nHAISRegistrationEvent", body, "REG"), mode))


def removal(interaction: str, mode: str, reason: str = "EMB") -> str:
    """Give the removal from the local register; one that is removed is as bare as may be."""
    _, place = _registers(interaction)
    is_2008b = FORMS[interaction].parts
    name, code = (
        ("pCRemovalRegistrationEvent", "04")
        if is_2008b
        else ("nHAISRemovalRegistrationEvent", "02")
    )
    why = coded("reasonCode", reason, "17.168")
    body = coded("code", code, "17.165")
    if mode != "removed":
        body += _period("effectiveTime", "20140810") + why
    elif is_2008b:
        body += why
    return link(place, with_mode(act(name, body, "REG"), mode))


def _registers(interaction: str) -> tuple[str, str]:
    register = FORMS[interaction].register
    assert register is not None
    return register


def order(mode: str, value: str | None = "2") -> str:
    """Give the order within a multiple birth."""
    shown = "" if value is None else f' value="{value}"'
    return f"<multipleBirthOrderNumber{_mode(mode)}{shown}/>"


def birthplace(interaction: str, mode: str, *, where: str | None = None) -> str:
    """Give where a person was born."""
    city = "<city>YORK</city><county>YORKSHIRE</county>" if where is None else where
    addr = f"<addr{_mode(mode)}>{city}</addr>"
    if not FORMS[interaction].parts:
        return role("birthplace", addr, "BIRTHPL")
    time = observed("notificationTime", "45", f'<value value="{NOTIFIED}"/>')
    told = "" if mode == "removed" else link("subjectOf", time)
    return role("COCT_MT000208UK01.BirthPlace", addr + told, "BIRTHPL")


def language(interaction: str, mode: str | None, code: str = "cy") -> str:
    """Give the language to speak with a person; one that is removed is empty."""
    if mode == "removed":
        return '<languageCommunication updateMode="removed"/>'
    spoken, wanted = f'<languageCode code="{code}"/>', '<preferenceInd value="true"/>'
    needed = coded("proficiencyLevelCode", "1", "16.39")
    rest = wanted + needed if FORMS[interaction].performed else needed + wanted
    return f"<languageCommunication{_mode(mode)}>{spoken}{rest}</languageCommunication>"


def contact(mode: str | None, place: str = "subjectOf2", times: str = "MORNINGS") -> str:
    """Give how and when to reach a person; what is removed is empty."""
    body = ""
    if mode != "removed":
        when = observed("pertinentPreferredContactTimes", "10", f"<value>{times}</value>")
        body = coded("value", "4", "16.16") + link("pertinentInformation", when, "PERT")
    return link(place, with_mode(observed("preferredContactMethod", "9", body), mode))


def _coded(place: str, element: str, code: str, value: str, mode: str | None) -> str:
    return link(place, with_mode(observed(element, code, "" if mode == "removed" else value), mode))


def written(mode: str | None, place: str = "subjectOf4", code: str = "12") -> str:
    """Give how to write to a person."""
    value = coded("value", code, "16.17")
    return _coded(place, "preferredWrittenCommunicationFormat", "13", value, mode)


def healthspace(mode: str, code: str = "1") -> str:
    """Give the HealthSpace registration."""
    return _coded("subjectOf3", "healthspaceRegistration", "8", coded("value", code, "16.7"), mode)


def secret(mode: str, word: str = "RED GATE") -> str:
    """Give the word by which a patient is known on the telephone."""
    return _coded("subjectOf5", "sharedSecret", "15", f"<value>{word}</value>", mode)


def consent(
    interaction: str, mode: str, kind: str = "4", value: str = "1", comments: str | None = None
) -> str:
    """Give a consent; one that is removed has no value."""
    given = '<effectiveTime value="20140820"/>' if kind == "4" else ""
    said = ""
    if comments is not None:
        told = act(
            "pertinentSupplementaryComments",
            coded("code", "4", "17.164") + f"<value>{comments}</value>",
        )
        said = link("pertinentInformation", told, "PERT")
    shown = "" if mode == "removed" else given + coded("value", value, "16.2") + said
    told = with_mode(act("consent", coded("code", kind, "17.164") + shown), mode)
    return link(FORMS[interaction].consent, told)


def donor(what: str, mode: str, value: str = "1") -> str:
    """Give whether a person wants to give blood, and where to write, or organs, and which."""
    place, code, consent_code = {
        "blood": ("subjectOf10", "25", "36"),
        "organ": ("subjectOf15", "26", "37"),
    }[what]
    agreed = '<effectiveTime value="20140820"/>' + coded("value", value, "16.2")
    where = ""
    if what == "organ":
        given = observed("organDonationItem", "39", coded("value", "1", "17.207"))
        agreed += link("component1", given, "COMP")
    else:
        address_of = '<value use="H"><streetAddressLine>4 HILL TOP</streetAddressLine></value>'
        where = link("component1", observed("donorPreferredAddress", "40", address_of), "COMP")
    consented = link("component", observed(f"{what}DonorConsent", consent_code, agreed), "COMP")
    preference = observed(f"{what}DonorPrefs", code, consented + where)
    return link(place, with_mode(preference, mode))


Sections = Mapping[str, str]


class Asked(Struct, frozen=True):
    """Which record, at which serial change number, is to be changed how."""

    sections: Sections
    nhs_number: str = PATIENT
    scn: str = "7"
    kind: str = "1"


def request(interaction: str, asked: Asked) -> str:
    """Give the request that stands in a message."""
    form, said = FORMS[interaction], asked.sections
    inner = "".join(said.get(one, "") for one in form.person)
    parts = {
        "id": f'<id root="{NHS_NUMBER_ROOT}" extension="{asked.nhs_number}"/>',
        "person": entity("patientPerson", inner) if inner else "",
    }
    body = "".join(parts.get(one, said.get(one, "")) for one in form.role)
    body += "".join(said.get(one, "") for one in form.subjects)
    number = observed("pertinentSerialChangeNumber", "2", f'<value value="{asked.scn}"/>')
    ending = {
        "author": said.get("author", ""),
        "scn": link("pertinentInformation", number, "PERT"),
        "subject": link("subject", role("patientRole", body, "PAT")),
    }
    content = coded("code", asked.kind, "17.40") + "".join(ending[one] for one in form.ending)
    return act(form.request, content, "REG", "RQO")


def update(
    interaction: str, asked: Asked, route: Route = TO_THE_HUB, *, message_id: str | None = None
) -> Message:
    """Give an update: reliable, and for the hub itself."""
    content = person() + system(route) + subject(request(interaction, asked))
    return replace(
        wrapped_message(route, "pds", interaction, content, message_id),
        ack_actor=TO_PARTY_MSH,
        sync_actor=SOAP_NEXT,
        path=RELIABLE,
    )


def everything(interaction: str) -> Sections:
    """Give every section that an interaction has room for, for the rich patient of the records."""
    form = FORMS[interaction]
    whole = {
        "addr": address("altered", "a1") + address("removed", "a3", use="TMP"),
        "telecom": telecom("removed", "t1") + telecom("added", value="mailto:edith@example.org"),
        "name": name("added") + name("altered", "n1", use="L", family="O'CARTER"),
        "provisions": provision(interaction, "altered", "g3")
        + provision(interaction, "altered", "g1", kind="1", code="B99002"),
        "related": related(interaction, "added") + related(interaction, "removed", "r1"),
        "gender": gender(interaction, "altered"),
        "birth": birth(interaction, "altered"),
        "order": order("altered"),
        "birthplace": birthplace(interaction, "altered"),
        "language": language(interaction, "altered"),
        "contact": contact("altered"),
        "written": written("altered"),
        "healthspace": healthspace("altered"),
        "secret": secret("altered"),
        "consents": _consents(interaction),
        "blood": donor("blood", "added"),
        "organs": donor("organ", "added"),
        **dead(interaction),
        "registration": "" if form.register is None else registration(interaction, "altered"),
    }
    if form.register:
        # A practice is not registered together with a death (GP_PROVDER_RULE86).
        whole["provisions"] = (
            "" if form.event != "patientCareProvision" else provision(interaction, "altered", "g3")
        )
    return {name: text for name, text in whole.items() if name in _room(interaction)}


def _consents(interaction: str) -> str:
    """Give a change of each consent that an interaction has room for."""
    sharing = "" if interaction == "PRPA_IN110000UK15" else consent(interaction, "altered")
    is_split = interaction == "PRPA_IN120000UK14"
    return sharing if is_split else sharing + consent(interaction, "removed", "6")


def _room(interaction: str) -> frozenset[str]:
    form = FORMS[interaction]
    room = {*form.role, *form.person, *form.subjects}
    return frozenset(room | ({"author"} if "death" in form.subjects else set()))
