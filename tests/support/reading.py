"""Reads a demographic record out of an answer of any generation, knowing nothing of our builders.

It looks for items wherever a generation puts them: plainly in the role or the person (traces,
2006B), or inside parts that say who wrote them (2008A and 2008B retrievals).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from lxml import etree
from msgspec.structs import replace

from core.values.demographics import (
    Address,
    AddressUse,
    Authority,
    Birthplace,
    CareProvision,
    CareProvisionKind,
    Consent,
    ConsentKind,
    ContactPreference,
    Death,
    DonorPreference,
    Language,
    Name,
    NameUse,
    Patient,
    Period,
    Provenance,
    Registration,
    RelatedPerson,
    RelatedRole,
    ReplacedNumber,
    Sensitivity,
    Telecom,
    TelecomUse,
)
from core.values.identity import NhsNumber

_H: Final = {"h": "urn:hl7-org:v3"}
_NHS_NUMBER: Final = "2.16.840.1.113883.2.1.4.1"
_PRACTITIONER: Final = "2.16.840.1.113883.2.1.4.2"
_ASID: Final = "1.2.826.0.1285.0.2.0.107"
_OBJECT: Final = "2.16.840.1.113883.2.1.3.2.4.18.1"

_NAMES: Final = {
    "L": NameUse.USUAL,
    "A": NameUse.ALIAS,
    "PREFERRED": NameUse.PREFERRED,
    "PREVIOUS": NameUse.PREVIOUS,
    "PREVIOUS-BIRTH": NameUse.BIRTH,
    "PREVIOUS-BACHELOR": NameUse.BACHELOR,
    "PREVIOUS-MAIDEN": NameUse.MAIDEN,
}
_ADDRESSES: Final = {
    "H": AddressUse.HOME,
    "TMP": AddressUse.TEMPORARY,
    "PST": AddressUse.CORRESPONDENCE,
    "WP": AddressUse.WORK,
}
_TELECOMS: Final = {
    "H": TelecomUse.HOME,
    "HP": TelecomUse.PRIMARY_HOME,
    "HV": TelecomUse.VACATION,
    "WP": TelecomUse.WORK,
    "AS": TelecomUse.ANSWERING,
    "EC": TelecomUse.EMERGENCY,
    "PG": TelecomUse.PAGER,
    "MC": TelecomUse.MOBILE,
}
_PROVISIONS: Final = {
    "1": CareProvisionKind.PRIMARY_CARE,
    "P1": CareProvisionKind.PHARMACY,
    "P2": CareProvisionKind.APPLIANCES,
    "P3": CareProvisionKind.DISPENSING_DOCTOR,
}
_ROLES: Final = {
    "AGNT": RelatedRole.AGENT,
    "GUARD": RelatedRole.GUARDIAN,
    "PRS": RelatedRole.PERSONAL,
    "CAREGIVER": RelatedRole.CARER,
}
_SENSITIVITIES: Final = {
    "Y": Sensitivity.STOP_NOTED,
    "B": Sensitivity.BUSINESS,
    "S": Sensitivity.SENSITIVE,
}
_CONSENTS: Final = {"4": ConsentKind.RECORD_SHARING, "6": ConsentKind.CALL_BACK}

_T = TypeVar("_T")


def patient(message: etree._Element) -> Patient:
    """Give the record that an answer shows; what the answer leaves out is absent."""
    (found,) = patients(message)
    return found


def patients(message: etree._Element) -> list[Patient]:
    """Give each record that an answer lists."""
    return [_patient(role, message) for role in message.iterfind(".//h:patientRole", _H)]


def _patient(role: etree._Element, message: etree._Element) -> Patient:
    person = role.find("h:patientPerson", _H)
    if person is None:
        person = etree.Element("nobody")
    scn = message.find(".//h:pertinentSerialChangeNumber/h:value", _H)
    return replace(
        _described(role, person),
        serial_change_number=1 if scn is None else int(scn.get("value", "1")),
        names=tuple(name(one) for one in _found(person, "h:name", "h:partPerson/h:name")),
        addresses=tuple(address(one) for one in _found(role, "h:addr"))
        + tuple(address(one) for one in _found(person, "", "h:addr")),
        telecoms=tuple(_telecom(one) for one in _found(role, "h:telecom"))
        + tuple(_telecom(one) for one in _found(person, "", "h:telecom")),
        care_provisions=tuple(
            _provision(one) for one in all_at(person, "h:playedOtherProviderPatient/h:subjectOf/*")
        ),
        related_persons=tuple(_related(one) for one in all_at(person, "h:scopedRelatedPersonRole")),
        consents=tuple(_consent(one) for one in all_at(role, "*/h:consent")),
        replaced=tuple(_replaced(one) for one in all_at(role, "h:replacementOf/h:oldVersion")),
    )


def _described(role: etree._Element, person: etree._Element) -> Patient:
    """Give the items that a record has once."""
    return Patient(
        nhs_number=NhsNumber(str(value(role, "h:id/@extension"))),
        sensitivity=_maybe(_SENSITIVITIES, value(role, "h:confidentialityCode/@code")),
        gender=value(person, ".//h:administrativeGenderCode/@code"),
        birth_time=value(person, ".//h:birthTime/@value"),
        birth_order=_whole(value(person, "h:multipleBirthOrderNumber/@value")),
        birthplace=birthplace(person),
        death=_death(role, person),
        language=_language(person),
        contact=_contact(role),
        written_format=value(role, "*/h:preferredWrittenCommunicationFormat/h:value/@code"),
        healthspace=value(role, "*/h:healthspaceRegistration/h:value/@code"),
        shared_secret=text(role, "*/h:sharedSecret/h:value"),
        registration=_registration(role),
        removal=_removal(role),
        previous_contact=value(role, "*/h:previousNhsContact/h:value/@code"),
        blood_donor=_donor(role, "blood"),
        organ_donor=_donor(role, "organ"),
        recorded_at=value(person, ".//h:notificationTime/h:value/@value"),
    )


def all_at(element: etree._Element, path: str) -> list[etree._Element]:
    """Give the elements at a path."""
    return list(element.xpath(path, namespaces=_H))


def _found(element: etree._Element, plain: str, in_part: str = "") -> list[etree._Element]:
    """Give items that stand plainly or inside parts, in document order."""
    parts = "*[contains(local-name(), '.PartOfWhole')]"
    paths = [plain] if plain else []
    if in_part:
        paths.append(f"{parts}/{in_part}")
    return all_at(element, " | ".join(paths))


def value(element: etree._Element, path: str) -> str | None:
    """Give the first attribute at a path, or None."""
    found = element.xpath(path, namespaces=_H)
    return str(found[0]) if found else None


def text(element: etree._Element, path: str) -> str | None:
    """Give the text of the first element at a path, or None."""
    found = all_at(element, path)
    return (found[0].text or "") if found else None


def _whole(value: str | None) -> int | None:
    return None if value is None else int(value)


def _maybe(table: Mapping[str, _T], code: str | None) -> _T | None:
    return None if code is None else table[code]


def period(element: etree._Element, name: str) -> Period | None:
    """Give an interval of time, or None."""
    found = all_at(element, f"h:{name}")
    if not found:
        return None
    return Period(value(found[0], "h:low/@value"), value(found[0], "h:high/@value"))


def object_id(element: etree._Element) -> str | None:
    """Give an item's own id, or None."""
    return value(element, f"h:id[@root='{_OBJECT}']/@extension")


def provenance(holder: etree._Element) -> Provenance | None:
    """Give who wrote what a part, a provision or a related person holds, as far as it says."""
    sources = "*/*[contains(local-name(), 'Source') or contains(local-name(), 'source')]"
    found = Provenance(
        system=value(holder, f"{sources}/h:value[@root='{_ASID}']/@extension"),
        national_system=value(holder, f"{sources}/h:value/@code"),
        recorded=next(
            (period(one, "value") for one in all_at(holder, "*/h:systemEffectiveDate")), None
        ),
    )
    return None if found == Provenance() else found


def _part_of(item: etree._Element) -> Provenance | None:
    """Give who wrote an item, if it stands inside a part."""
    for above in item.iterancestors():
        name = etree.QName(above).localname
        if name.endswith(".PartOfWhole"):
            return provenance(above)
        if name != "partPerson":
            return None
    return None


def name(item: etree._Element) -> Name:
    """Give a name."""
    return Name(
        use=_NAMES[item.get("use", "L")],
        prefix=text(item, "h:prefix"),
        given=tuple(one.text or "" for one in all_at(item, "h:given")),
        family=text(item, "h:family"),
        suffix=text(item, "h:suffix"),
        period=period(item, "validTime"),
        object_id=object_id(item),
        provenance=_part_of(item),
    )


def address(item: etree._Element) -> Address:
    """Give an address."""
    return Address(
        use=_ADDRESSES[item.get("use", "H")],
        lines=tuple(one.text or "" for one in all_at(item, "h:streetAddressLine")),
        postcode=text(item, "h:postalCode"),
        paf_key=text(item, "h:addressKey"),
        description=text(item, "h:desc"),
        period=period(item, "useablePeriod"),
        object_id=object_id(item),
        provenance=_part_of(item),
    )


def _telecom(item: etree._Element) -> Telecom:
    return Telecom(
        use=_TELECOMS[item.get("use", "H")],
        value=item.get("value", ""),
        period=period(item, "useablePeriod"),
        object_id=object_id(item),
        provenance=_part_of(item),
    )


def _provision(event: etree._Element) -> CareProvision:
    provider = all_at(event, "h:performer/*/h:id | h:responsibleParty/*/h:id")[0]
    return CareProvision(
        kind=_PROVISIONS[str(value(event, "h:code/@code"))],
        provider=provider.get("extension", ""),
        practitioner=provider.get("root") == _PRACTITIONER,
        period=period(event, "effectiveTime"),
        object_id=object_id(event),
        provenance=provenance(event),
    )


def _related(role: etree._Element) -> RelatedPerson:
    holders = [role, *all_at(role, "h:player")]
    numbers = all_at(role, f".//h:id[@root='{_NHS_NUMBER}']")
    names = [one for holder in holders for one in _found(holder, "h:name", "h:partPerson/h:name")]
    addresses = [one for holder in holders for one in _found(holder, "h:addr", "h:addr")]
    telecoms = [one for holder in holders for one in _found(holder, "h:telecom", "h:telecom")]
    return RelatedPerson(
        relationship=str(value(role, "h:code/@code")),
        role=_ROLES[role.get("classCode", "PRS")],
        nhs_number=numbers[0].get("extension") if numbers else None,
        name=name(names[0]) if names else None,
        address=address(addresses[0]) if addresses else None,
        telecoms=tuple(_telecom(one) for one in telecoms),
        next_of_kin=value(role, "*/h:partNextOfKin/h:code/@code"),
        correspondence=value(role, "*/h:partCorrespondence/h:code/@code"),
        position=_whole(value(role, "h:positionNumber/@value")),
        language=_language(holders[-1]),
        contact=_contact(role),
        written_format=value(role, "*/h:preferredWrittenCommunicationFormat/h:value/@code"),
        call_back=value(role, "*/h:callCentreCallBackConsent/h:value/@code"),
        period=period(role, "effectiveTime"),
        object_id=object_id(role),
        provenance=provenance(role),
    )


def _language(person: etree._Element) -> Language | None:
    found = all_at(person, "h:languageCommunication")
    if not found:
        return None
    return Language(
        code=str(value(found[0], "h:languageCode/@code")),
        preferred=value(found[0], "h:preferenceInd/@value") == "true",
        interpreter=str(value(found[0], "h:proficiencyLevelCode/@code")),
    )


def _contact(holder: etree._Element) -> ContactPreference | None:
    found = all_at(holder, "*/h:preferredContactMethod")
    if not found:
        return None
    return ContactPreference(
        method=value(found[0], "h:value/@code"),
        times=text(found[0], "*/h:pertinentPreferredContactTimes/h:value"),
    )


def birthplace(person: etree._Element) -> Birthplace | None:
    """Give the birthplace; its country is text, or coded in 2008B."""
    found = all_at(person, "h:birthplace/h:addr | *[contains(local-name(), '.BirthPlace')]/h:addr")
    if not found:
        return None
    country = value(found[0], "h:country/h:code/@code")
    return Birthplace(
        city=text(found[0], "h:city"),
        county=text(found[0], "h:county"),
        country=text(found[0], "h:country") if country is None else country,
        lines=tuple(one.text or "" for one in all_at(found[0], "h:streetAddressLine")),
        postcode=text(found[0], "h:postalCode"),
    )


def _death(role: etree._Element, person: etree._Element) -> Death | None:
    death = Death(
        time=value(person, ".//h:deceasedTime/@value"),
        notification=value(role, "*/h:deathNotification/h:value/@code"),
    )
    return None if death == Death() else death


def _donor(role: etree._Element, what: str) -> DonorPreference | None:
    agreed = all_at(role, f"*/h:{what}DonorPrefs/h:component/h:{what}DonorConsent")
    if not agreed:
        return None
    return DonorPreference(
        str(value(agreed[0], "h:value/@code")), str(value(agreed[0], "h:effectiveTime/@value"))
    )


def _consent(event: etree._Element) -> Consent:
    return Consent(
        kind=_CONSENTS[str(value(event, "h:code/@code"))],
        value=str(value(event, "h:value/@code")),
        given_at=value(event, "h:effectiveTime/@value"),
        comments=text(event, "*/h:pertinentSupplementaryComments/h:value"),
    )


def registrations(role: etree._Element) -> list[Registration]:
    """Give every version of the registration with the register, and of the removal from it."""
    return [
        Registration(
            custodian=value(one, "h:custodian/h:assignedDevice/h:id/@extension"),
            reason=value(one, "h:reasonCode/@code"),
            period=period(one, "effectiveTime"),
            authority=_authority(one),
            told_at=value(one, "h:availabilityTime/@value"),
            provenance=provenance(one),
        )
        for one in all_at(role, " | ".join(f"*/h:{name}" for name in _EVENTS))
    ]


_EVENTS: Final = (
    "nHAISRegistrationEvent",
    "nHAISRemovalRegistrationEvent",
    "pCRemovalRegistrationEvent",
)


def _authority(event: etree._Element) -> Authority | None:
    kind = value(event, "h:responsibleParty/h:registeringAuthority/h:code/@code")
    if kind is None:
        return None
    own = "h:responsibleParty/h:registeringAuthority"
    person = f"{own}/*/h:scopedAssignedPerson/h:id/@extension"
    return Authority(kind, value(event, f"{own}/h:id/@extension"), value(event, person))


def _is_over(item: Registration) -> bool:
    recorded = item.provenance.recorded if item.provenance else None
    return recorded is not None and recorded.end is not None


def _registration(role: etree._Element) -> Registration | None:
    standing = (one for one in registrations(role) if one.custodian and not _is_over(one))
    return next(standing, None)


def _removal(role: etree._Element) -> Registration | None:
    standing = (one for one in registrations(role) if one.reason and not _is_over(one))
    return next(standing, None)


def _replaced(version: etree._Element) -> ReplacedNumber:
    number = str(value(version, f"h:id[@root='{_NHS_NUMBER}']/@extension"))
    return ReplacedNumber(number, period(version, "effectiveTime"))
