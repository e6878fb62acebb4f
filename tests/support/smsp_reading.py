"""The record that a captured answer of the mini services was made from."""

from __future__ import annotations

from typing import Final

from lxml import etree

from core.values.demographics import (
    Address,
    AddressUse,
    CareProvision,
    CareProvisionKind,
    Death,
    Name,
    Patient,
    Period,
    Telecom,
)
from core.values.identity import NhsNumber
from legacy_contracts import oids
from legacy_contracts.hl7.values import ADDRESS_USE, TELECOM_USE
from legacy_contracts.smsp.answers import Practice, Reply, Shown
from legacy_contracts.smsp.codes import Code
from legacy_contracts.smsp.requests import LocalIdentifier

_HL7: Final = {"h": "urn:hl7-org:v3"}
_ADDRESSES: Final = {code: use for use, code in ADDRESS_USE.items()}
_TELECOMS: Final = {code: use for use, code in TELECOM_USE.items()}


def reply_of(root: etree._Element) -> Reply:
    """Give the reply that an answer's payload shows."""
    patients = root.xpath(".//h:patient", namespaces=_HL7)
    return Reply(
        answer_id=_text(root, "h:id/@root"),
        code=Code(_text(root, "h:value/@code")),
        shown=_shown(patients[0]) if patients else None,
    )


def _shown(patient: etree._Element) -> Shown:
    locals_ = patient.xpath(f"h:id[@root != '{oids.NHS_NUMBER}']", namespaces=_HL7)
    practices = patient.xpath("h:patientPerson/h:gPPractice", namespaces=_HL7)
    practice = _practice(practices[0]) if practices else None
    return Shown(
        _patient(patient, practice),
        practice,
        LocalIdentifier(*locals_[0].attrib.values()) if locals_ else None,
    )


def _patient(patient: etree._Element, practice: Practice | None) -> Patient:
    dead = _maybe(patient, "h:patientPerson/h:deceasedTime/@value")
    provisions = (CareProvision(CareProvisionKind.PRIMARY_CARE, practice.code),) if practice else ()
    return Patient(
        NhsNumber(_text(patient, f"h:id[@root='{oids.NHS_NUMBER}']/@extension")),
        gender=_maybe(patient, "h:patientPerson/h:administrativeGenderCode/@code"),
        birth_time=_maybe(patient, "h:patientPerson/h:birthTime/@value"),
        death=Death(dead) if dead else None,
        names=tuple(_name(one) for one in patient.xpath("h:name", namespaces=_HL7)),
        addresses=tuple(
            _address(one, _ADDRESSES[one.get("use")])
            for one in patient.xpath("h:addr", namespaces=_HL7)
        ),
        telecoms=tuple(_telecom(one) for one in patient.xpath("h:telecom", namespaces=_HL7)),
        care_provisions=provisions,
    )


def _name(name: etree._Element) -> Name:
    given = tuple(one.text or "" for one in name.xpath("h:given", namespaces=_HL7))
    return Name(prefix=_part(name, "prefix"), given=given, family=_part(name, "family"))


def _address(address: etree._Element, use: AddressUse = AddressUse.HOME) -> Address:
    lines = address.xpath("h:streetAddressLine", namespaces=_HL7)
    return Address(use, tuple(one.text or "" for one in lines), _part(address, "postalCode"))


def _telecom(telecom: etree._Element) -> Telecom:
    start = _maybe(telecom, "h:useablePeriod/h:low/@value")
    end = _maybe(telecom, "h:useablePeriod/h:high/@value")
    period = Period(start, end) if start or end else None
    return Telecom(_TELECOMS[telecom.get("use", "")], telecom.get("value", ""), period)


def _practice(practice: etree._Element) -> Practice:
    addresses = practice.xpath("h:addr", namespaces=_HL7)
    return Practice(
        _text(practice, "h:locationOrganization/h:id/@extension"),
        _maybe(practice, "h:locationOrganization/h:name"),
        _address(addresses[0]) if addresses else None,
        _maybe(practice, "h:telecom/@value"),
    )


def _text(node: etree._Element, path: str) -> str:
    return str(node.xpath(f"string({path})", namespaces=_HL7))


def _maybe(node: etree._Element, path: str) -> str | None:
    return _text(node, path) or None


def _part(node: etree._Element, name: str) -> str | None:
    """Give a part's text: empty where it is there and says nothing."""
    found = node.xpath(f"h:{name}", namespaces=_HL7)
    return (found[0].text or "") if found else None
