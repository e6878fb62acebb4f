"""Requests for new demographic records, whole and synthetic, in every generation.

Elements and their order are the schemas' (pds.md A.16 to A.18); people are invented.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ebxml_messages import RELIABLE, SOAP_NEXT, TO_PARTY_MSH, Message
from hub_messages import TO_THE_HUB
from msgspec import Struct
from msgspec.structs import replace
from wire_requests import NHS_NUMBER_ROOT
from wrapped_messages import CODES, ODS, Route, person, subject, system, wrapped_message

ORGANISATION: Final = "2.16.840.1.113883.2.1.4.3"
ASID_ROOT: Final = "1.2.826.0.1285.0.2.0.107"
MOTHER: Final = "9990000018"

ALLOCATIONS: Final = (
    "PRPA_IN000200UK03",
    "PRPA_IN000200UK04",
    "PRPA_IN040000UK30",
    "PRPA_IN040000UK15",
)
BIRTHS: Final = ("PRPA_IN000205UK03", "PRPA_IN000205UK05")


def act(name: str, content: str, class_code: str = "OBS", mood: str = "EVN") -> str:
    """Give an act."""
    return f'<{name} classCode="{class_code}" moodCode="{mood}">{content}</{name}>'


def role(name: str, content: str, class_code: str) -> str:
    """Give a role."""
    return f'<{name} classCode="{class_code}">{content}</{name}>'


def link(name: str, content: str, type_code: str = "SBJ") -> str:
    """Give a participation."""
    return f'<{name} typeCode="{type_code}">{content}</{name}>'


def entity(name: str, content: str, class_code: str = "PSN") -> str:
    """Give an entity."""
    return f'<{name} classCode="{class_code}" determinerCode="INSTANCE">{content}</{name}>'


def coded(name: str, code: str, system: str) -> str:
    """Give a coded value of one of the national lists."""
    return f'<{name} code="{code}" codeSystem="{CODES}.{system}"/>'


def observed(name: str, code: str, value: str) -> str:
    """Give a demographic observation."""
    return act(name, coded("code", code, "17.35") + value)


NOTIFIED: Final = "20140825093000"
"""When single values were notified, as the messages of 2008B say here."""


def notified(part: str, content: str) -> str:
    """Give a single item as 2008B has it: with the time it was notified."""
    time = observed("notificationTime", "45", f'<value value="{NOTIFIED}"/>')
    return role(part, entity("partPerson", content) + link("subjectOf", time), "PART")


ADDRESS: Final = (
    '<addr use="H"><streetAddressLine/><streetAddressLine>1 New Road</streetAddressLine>'
    "<streetAddressLine/><streetAddressLine>Testton</streetAddressLine><streetAddressLine/>"
    "<postalCode>ZZ99 3VZ</postalCode><addressKey>12345678</addressKey></addr>"
)
TEMPORARY: Final = (
    '<addr use="TMP"><streetAddressLine>2 Short Street</streetAddressLine>'
    "<postalCode>ZZ99 3WZ</postalCode><desc>Holiday Home</desc>"
    '<useablePeriod><low value="20140801"/><high value="20140901"/></useablePeriod></addr>'
)
TELECOM: Final = '<telecom use="H" value="tel:01130000000"/>'
NAME: Final = (
    '<name use="L"><prefix>Miss</prefix><given>Nova</given><given>Test</given>'
    '<family>Neuling</family><validTime><low value="20140101"/></validTime></name>'
)
ALIAS: Final = '<name use="A"><given>Novi</given><family>Neuling</family></name>'


class Newcomer(Struct, frozen=True):
    """Who is to have a number, and who asks: a practice unless the authority says another."""

    name: str = NAME + ALIAS
    addresses: str = ADDRESS + TEMPORARY
    gender: str = "2"
    birth_time: str = "20140820"
    authority: str = "d"
    practice: str = "T99999"
    person: str = ""
    """The person who registers, of an authority that must name one."""
    registered: str = ""
    about: str = ""
    """What stands beside the person: a paper record (2008A), a donor's wishes (2008B)."""


def _language() -> str:
    return (
        '<languageCommunication><languageCode code="cy"/>'
        f'<preferenceInd value="true"/>{coded("proficiencyLevelCode", "1", "16.39")}'
        "</languageCommunication>"
    )


def _old_language() -> str:
    return (
        '<languageCommunication><languageCode code="cy"/>'
        f'{coded("proficiencyLevelCode", "1", "16.39")}<preferenceInd value="true"/>'
        "</languageCommunication>"
    )


def _provision(practice: str, performer: str, period: str) -> str:
    event = act(
        "patientCareProvision",
        coded("code", "1", "17.37") + period + performer.format(practice),
        "PCPR",
    )
    return role("playedOtherProviderPatient", link("subjectOf", event), "PAT")


_PERFORMER: Final = link(
    "performer",
    role("assignedOrganisation", f'<id root="{ORGANISATION}" extension="{{}}"/>', "ASSIGNED"),
    "PRF",
)
_RESPONSIBLE: Final = link(
    "responsibleParty",
    role("healthCareProvider", f'<id root="{ORGANISATION}" extension="{{}}"/>', "PROV"),
    "RESP",
)
_SINCE: Final = '<effectiveTime><low value="20140820"/></effectiveTime>'


def _preferences() -> str:
    times = observed("pertinentPreferredContactTimes", "10", "<value>After six</value>")
    contact = coded("value", "3", "16.16") + link("pertinentInformation", times, "PERT")
    return (
        link("subjectOf2", observed("preferredContactMethod", "9", contact))
        + link(
            "subjectOf3",
            observed("preferredWrittenCommunicationFormat", "13", coded("value", "11", "16.17")),
        )
        + link("subjectOf4", observed("sharedSecret", "15", "<value>Blue door</value>"))
        + link("subjectOf5", observed("previousNhsContact", "17", coded("value", "0", "17.38")))
    )


def _authority(newcomer: Newcomer) -> str:
    code = coded("code", newcomer.authority, "16.20")
    who = ""
    if newcomer.person:
        own = f'<id root="1.2.826.0.1285.0.2.0.65" extension="{newcomer.person}"/>'
        who = entity(
            "assignedRegisteringOrganization", role("scopedAssignedPerson", own, "ASSIGNED"), "ORG"
        )
    return role(
        "registeringAuthority",
        f'{code}<id root="{ORGANISATION}" extension="{newcomer.practice}"/>{who}',
        "ASSIGNED",
    )


def _old_authority(newcomer: Newcomer) -> str:
    organisation = entity(
        "representedRegisteringOrganization",
        f'<id root="{ORGANISATION}" extension="{newcomer.practice}"/>',
        "ORG",
    )
    return role(
        "registeringAuthority",
        coded("code", newcomer.authority, "16.20") + organisation,
        "ASSIGNED",
    )


def _registration(content: str, author: str, *, author_first: bool) -> str:
    about = link("subject", role("patientRole", content, "PAT"))
    by = link("author", author, "AUT")
    whole = by + about if author_first else about + by
    return act("PdsRegistrationRequest", whole, "REG", "RQO")


def _request_2008a(newcomer: Newcomer) -> str:
    about = (
        f'<administrativeGenderCode code="{newcomer.gender}"/>'
        f'<birthTime value="{newcomer.birth_time}"/>{newcomer.name}{_language()}'
        + _provision(newcomer.practice, _PERFORMER, _SINCE)
        + newcomer.registered
    )
    person = entity("patientPerson", about) + newcomer.about
    content = newcomer.addresses + TELECOM + person + _preferences()
    return _registration(content, _authority(newcomer), author_first=True)


def _request_2008b(newcomer: Newcomer) -> str:
    about = (
        newcomer.name
        + _language()
        + _provision(newcomer.practice, _PERFORMER, "")
        + notified(
            "COCT_MT000209UK01.PartAdminGenderCode",
            f'<administrativeGenderCode code="{newcomer.gender}"/>',
        )
        + notified("COCT_MT000210UK01.PartBirthTime", f'<birthTime value="{newcomer.birth_time}"/>')
    )
    person = entity("patientPerson", about) + newcomer.about
    content = newcomer.addresses + TELECOM + person + _preferences()
    return _registration(content, _authority(newcomer), author_first=True)


def _request_before_2008(newcomer: Newcomer) -> str:
    about = (
        f'{newcomer.name}<administrativeGenderCode code="{newcomer.gender}"/>'
        f'<birthTime value="{newcomer.birth_time}"/>'
        + _provision(newcomer.practice, _RESPONSIBLE, _SINCE)
        + _old_language()
    )
    content = newcomer.addresses + TELECOM + entity("patientPerson", about) + _preferences()
    return _registration(content, _old_authority(newcomer), author_first=False)


_REQUESTS: Final[dict[str, Callable[[Newcomer], str]]] = {
    "PRPA_IN000200UK03": _request_2008a,
    "PRPA_IN000200UK04": _request_2008b,
    "PRPA_IN040000UK30": _request_before_2008,
    "PRPA_IN040000UK15": _request_before_2008,
}


class Baby(Struct, frozen=True):
    """A child that was born, and whether another record of it is no hindrance."""

    mother: str = MOTHER
    birth_time: str = "201408242330"
    order: str = "1"
    weight: str = "3400"
    ignoring: str = "false"
    dead: bool = False
    identified: bool = True


def _snomed(name: str, code: str, value: str) -> str:
    return act(name, coded("code", code, "15") + value)


def _clinical() -> str:
    qualified = (
        f'<code code="66091009" codeSystem="{CODES}.15"><qualifier>'
        '<name code="408729009"/><value code="415684004"/></qualifier></code>'
    )
    content = (
        link(
            "component1",
            act("suspectedCongenitalAbnormality", qualified + coded("value", "N", "17.171")),
            "COMP",
        )
        + link(
            "component2",
            _snomed("stillbirthIndicator", "237364002", coded("value", "1", "17.172")),
            "COMP",
        )
        + link(
            "component3",
            _snomed("numberOfFoetusInConfinement", "246435002", '<value value="1"/>'),
            "COMP",
        )
        + link("component4", _snomed("gestationAge", "268477000", '<value value="280"/>'), "COMP")
    )
    return act("clinicalInformation", content, "COMPOSITION")


def _care(baby: Baby, place: str, provider: str) -> str:
    name = "participantDeliveryLocation"
    site = ""
    if baby.identified:
        name = "participantIdentifiedDeliveryLocation"
        site = f'<id root="{ODS}" extension="T99990"/>'
    located = entity("locatedPlaceOfBirth", place, "PLC")
    where = role(name, coded("code", "2", "17.173") + site + located, "LOCE")
    practice = role(provider, f'<id root="{ORGANISATION}" extension="T99999"/>', "{}")
    practice = practice.replace("{}", "PROV" if provider == "primaryCareProvider" else "ASSIGNED")
    provided = act(
        "primaryCareProvision",
        coded("code", "1", "17.37") + link("performer", practice, "PRF"),
        "PCPR",
    )
    mother = (
        f'<id root="{NHS_NUMBER_ROOT}" extension="{baby.mother}"/>'
        + entity(
            "patientMotherPerson",
            '<birthTime value="19860101"/><name use="L"><given>Sally</given><family>EVANS</family>'
            "</name>",
        )
        + link("subjectOf", provided)
    )
    notifier = entity(
        "assignedNotifierPerson", '<name use="L"><given>Mia</given><family>WIFE</family></name>'
    )
    content = (
        '<code code="OBS"/>'
        + link("author", role("notifier", notifier, "ASSIGNED"), "AUT")
        + link("location", where, "LOC")
        + link(
            "primaryInformationRecipient",
            role("partnerChildHealth", f'<id root="{ODS}" extension="T99991"/>', "ASSIGNED"),
            "PRCP",
        )
        + link("recordTarget", role("mother", mother, "PAT"), "RCT")
        + link(
            "tracker",
            role("responsibleChildHealth", f'<id root="{ODS}" extension="T99992"/>', "ASSIGNED"),
            "TRC",
        )
    )
    return link("babyOf", act("obstetricCareProvision", content, "PCPR"), "BBY")


_PLACE_2008A: Final = (
    '<addr><country><code code="1" codeSystem="1.0.3166.1.2.3"/></country>'
    "<county>Testshire</county><city>Testton</city></addr><name>Test Infirmary</name>"
)
_CHILD: Final = '<name use="L"><family>EVANS</family></name>'
_ETHNIC: Final = coded("ethnicGroupCode", "A", "16.6")


def _event(baby: Baby, care: str, child: str, death: str) -> str:
    told = observed("deathNotification", "3", coded("value", "1", "16.5") + death)
    content = (
        ADDRESS
        + TELECOM
        + care
        + entity("patientPerson", child)
        + link(
            "subjectOf1",
            _snomed("birthWeight", "364589006", f'<value value="{baby.weight}"/>'),
        )
        + link("subjectOf2", _clinical())
        + (link("subjectOf4", told) if baby.dead else "")
    )
    criterion = act(
        "pertinentIgnoreDuplicateRecordCriterion",
        f'<value value="{baby.ignoring}"/>',
        mood="EVN.CRT",
    )
    whole = (
        link("author", _authority(Newcomer(authority="c")), "AUT")
        + link("pertinentInformation", criterion, "PERT")
        + link("subject", role("patient", content, "PAT"))
    )
    return act("PdsRegistrationEvent", whole, "REG")


def _birth_2008a(baby: Baby) -> str:
    dead = f'<deceasedTime value="{baby.birth_time}"/>' if baby.dead else ""
    child = (
        f'<administrativeGenderCode code="1"/><birthTime value="{baby.birth_time}"/>{dead}'
        f'{_ETHNIC}<multipleBirthOrderNumber value="{baby.order}"/>{_CHILD}'
    )
    return _event(baby, _care(baby, _PLACE_2008A, "primaryCareProvider"), child, "")


def _birth_2008b(baby: Baby) -> str:
    place = (
        '<addr><city>Testton</city><county>Testshire</county><country><code code="1"/></country>'
        "</addr>"
    )
    dead = ""
    if baby.dead:
        dead = notified(
            "COCT_MT000211UK01.PartDeceasedTime", f'<deceasedTime value="{baby.birth_time}"/>'
        )
    child = (
        f'{_ETHNIC}<multipleBirthOrderNumber value="{baby.order}"/>{_CHILD}'
        + notified("COCT_MT000209UK01.PartAdminGenderCode", '<administrativeGenderCode code="1"/>')
        + notified("COCT_MT000210UK01.PartBirthTime", f'<birthTime value="{baby.birth_time}"/>')
        + dead
        + role("COCT_MT000208UK01.BirthPlace", place, "BIRTHPL")
    )
    by = link("responsibleParty", _authority(Newcomer(authority="c")), "RESP")
    care = _care(baby, "<name>Test Infirmary</name>", "assignedOrganization")
    return _event(baby, care, child, by)


_NOTIFICATIONS: Final[dict[str, Callable[[Baby], str]]] = {
    "PRPA_IN000205UK03": _birth_2008a,
    "PRPA_IN000205UK05": _birth_2008b,
}


def allocation(
    interaction_id: str, newcomer: Newcomer | None = None, route: Route = TO_THE_HUB
) -> Message:
    """Give a request for an NHS number."""
    return _sent(interaction_id, _REQUESTS[interaction_id](newcomer or Newcomer()), route)


def birth(interaction_id: str, baby: Baby | None = None, route: Route = TO_THE_HUB) -> Message:
    """Give the notification of a birth."""
    return _sent(interaction_id, _NOTIFICATIONS[interaction_id](baby or Baby()), route)


def request(interaction_id: str) -> Message:
    """Give a request of any of the interactions."""
    make = allocation if interaction_id in _REQUESTS else birth
    return make(interaction_id)


def _sent(interaction_id: str, content: str, route: Route) -> Message:
    return replace(
        wrapped_message(
            route, "pds", interaction_id, person() + system(route) + subject(content), None
        ),
        ack_actor=TO_PARTY_MSH,
        sync_actor=SOAP_NEXT,
        path=RELIABLE,
    )
