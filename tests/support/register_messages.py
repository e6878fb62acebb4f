"""What only 2008B and the local register bring, as sections of updates: all of it made up."""

from __future__ import annotations

import re
from typing import Final

from creation_messages import ODS, ORGANISATION, Newcomer, act, coded, entity, link, observed, role
from update_messages import FORMS, OBJECT_ID, USER, donor, provision, removal, with_mode

SCHEME: Final = "2.16.840.1.113883.2.1.9999"
"""What this scheme calls people is nobody's concern."""


def since(name: str, low: str, high: str | None = None) -> str:
    """Give a period, its ends on lines of their own.

    A stylesheet asks whether the residence in this country has text, so it must have some.
    """
    end = "" if high is None else f'\n<high value="{high}"/>'
    return f'<{name}>\n<low value="{low}"/>{end}\n</{name}>'


def identifier(mode: str, object_id: str | None = None, value: str = "S-1") -> str:
    """Give what a person is called elsewhere; one that is removed is an id."""
    own = "" if object_id is None else f'<id root="{OBJECT_ID}" extension="{object_id}"/>'
    body = own
    if mode != "removed":
        body = since("effectiveTime", "20140801") + own
        body += f'<value root="{SCHEME}" extension="{value}"/>'
    return link("subjectOf", with_mode(observed("alternativeIdentifier", "27", body), mode))


def entitlement(mode: str, kind: str = "1") -> str:
    """Give to what treatment a person is entitled; one that is removed is a code."""
    body = ""
    if mode != "removed":
        category = observed("treatmentCategoryType", "24", coded("value", "2", "17.208"))
        living = observed("residentialStatus", "23", coded("value", "O", "17.216"))
        body = (
            since("effectiveTime", "20140101", "20141231")
            + coded("value", kind, "17.210")
            + link("component", category, "COMP")
            + link("component1", living, "COMP")
        )
    return link("subjectOf9", with_mode(observed("treatmentEntitlement", "21", body), mode))


def _told(interaction: str, reason: str) -> str:
    """Give the person as the register tells of one, in an interaction's form."""
    is_2008b = FORMS[interaction].parts
    flavour = "UK03" if is_2008b else "UK02"
    register = entity("assignedDevice", "<name>NORTH</name>", "DEV")
    former = act(
        "nHAISRegistrationEvent",
        coded("code", "01", "17.165")
        + link("custodian", role("assignedDevice", register, "ASSIGNED"), "CST"),
        "REG",
    )
    name = entity("assignedPerson", '<name use="L"><family>HEALER</family></name>')
    who = (
        role("assignedPerson", name, "ASSIGNED")
        if is_2008b
        else role("assignedEntity", name, "ASSIGNED")
    )
    practice = act(
        "patientCareProvisionEvent",
        coded("code", "1", "17.37") + link("performer", who, "PRF"),
        "PCPR",
    )
    old = role("oldVersion", link("subjectOf1", former) + link("subjectOf2", practice), "PAT")
    residence = observed("uKResidence", "18", since("value", "20010101"))
    encounter = (
        act(
            "primaryCareRegistrationEncounter",
            coded("code", "08", "17.165") + coded("reasonCode", reason, "17.166"),
            "REG",
        )
        if is_2008b
        else act(
            "nHAISRegistrationEncounter",
            coded("code", "01", "17.165") + coded("reasonCode", reason, "17.166"),
            "REG",
        )
    )
    first = act(
        "initialNHAISRegistrationEvent",
        coded("code", "03", "17.165") + '<effectiveTime value="20010201"/>',
        "REG",
    )
    assigned = observed("patientCareProvisionAssignment", "22", coded("reasonCode", "2", "17.203"))
    patient = role(
        "playedRegisteredPatient",
        '<addr use="H"><streetAddressLine>3 OLD LANE</streetAddressLine></addr>'
        + link("replacementOf", old, "REPL")
        + (link("subjectOf", assigned) if is_2008b else "")
        + link("subjectOf1", residence)
        + link("subjectOf2", encounter)
        + link("subjectOf3", first),
        "PAT",
    )
    person = entity(
        "partRegisteredPerson",
        '<name use="PREVIOUS"><given>EDITH</given><family>FORMERLY</family></name>'
        + role("birthplace", "<addr><city>YORK</city></addr>", "BIRTHPL")
        + role("militaryMembership", since("effectiveTime", "19700101", "19750101"), "MIL")
        + patient,
    )
    return role(f"COCT_MT000200{flavour}.RegisteredRolePart", person, "PART")


def registered(interaction: str, mode: str, reason: str = "3") -> str:
    """Give the person as the register tells of one, beside the practice (2008A)."""
    told = _told(interaction, reason)
    if mode == "removed":
        told = role(
            "COCT_MT000200UK02.RegisteredRolePart", entity("partRegisteredPerson", ""), "PART"
        )
    return with_mode(told, mode)


def practice(interaction: str, mode: str, object_id: str | None = None) -> str:
    """Give a practice with what the register tells, and with what it is paid for (2008B)."""
    why = observed("pertinentDispensingAuthorisationReason", "42", coded("value", "1", "17.209"))
    where = f'<id root="{ODS}" extension="T99998"/>'
    paid = observed(
        "pertinentCareProviderPaymentInfo",
        "43",
        since("effectiveTime", "20140801")
        + link("pertinentInformation", why, "PERT")
        + link("subject", role("residentialInstitution", where, "ASSIGNED")),
    )
    more = link("pertinentInformation", paid, "PERT") + link("subject", _told(interaction, "3"))
    plain = provision(interaction, mode, object_id, kind="1", code="T99999")
    return plain.replace("</patientCareProvision>", f"{more}</patientCareProvision>")


def paper(interaction: str, mode: str, object_id: str | None = None, transfer: str = "SP") -> str:
    """Give where the paper record is: the record and its office (2008A), or a transfer (2008B)."""
    code = coded("code", "16521000000101", "15")
    value = coded("value", transfer, "17.167")
    if FORMS[interaction].parts:
        urgent = coded("priorityCode", "U", "17.190")
        status = with_mode(observed("transferStatus", "19", urgent + value), mode)
        event = act("clinicalDocumentEvent", code + link("subjectOf3", status, "SUBJ"), "DOCCLIN")
        return link("recordTargetOf", event, "RCT")
    own = "" if object_id is None else f'<id root="{OBJECT_ID}" extension="{object_id}"/>'
    office = role(
        "serviceDeliveryLocation",
        since("effectiveTime", "20140801") + entity("location", "<name>LEEDS</name>", "PLC"),
        "SDLOC",
    )
    body = (
        code
        + since("effectiveTime", "20140801")
        + own
        + coded("priorityCode", "U", "17.190")
        + link("location", office, "LOC")
        + link("subjectOf", observed("transferStatus", "19", value), "SUBJ")
    )
    return link(
        "recordTargetOf", with_mode(act("clinicalDocumentEvent", body, "DOCCLIN"), mode), "RCT"
    )


def removed_by(interaction: str, mode: str) -> str:
    """Give a removal from the register that says by whom, and when it was to be known (2008B)."""
    who = role("scopedAssignedPerson", f'<id root="{USER}" extension="990000000065"/>', "ASSIGNED")
    authority = role(
        "registeringAuthority",
        coded("code", "y", "16.20")
        + f'<id root="{ORGANISATION}" extension="A99001"/>'
        + entity("assignedRegisteringOrganization", who, "ORG"),
        "ASSIGNED",
    )
    by = link("responsibleParty", authority, "RESP")
    plain = removal(interaction, mode).replace(
        "</pCRemovalRegistrationEvent>", f"{by}</pCRemovalRegistrationEvent>"
    )
    return plain.replace('<code code="04"', '<availabilityTime value="20140811"/><code code="04"')


def everything(interaction: str) -> dict[str, str]:
    """Give every such section that an interaction has room for, each of it new."""
    if interaction == "PRPA_IN000203UK06":
        return {"identifiers": identifier("added")}
    if interaction == "PRPA_IN000204UK03":
        return {
            "registered": registered(interaction, "added"),
            "provisions": provision(interaction, "altered", "g1", kind="1", code="T99999"),
            "paper": paper(interaction, "added"),
        }
    return {
        "identifiers": identifier("added"),
        "provisions": practice(interaction, "altered", "g1"),
        "paper": paper(interaction, "added"),
        "entitlement": entitlement("added"),
    }


def newcomer(interaction: str) -> Newcomer:
    """Give somebody of whom an allocation tells all that it has room for."""
    if interaction == "PRPA_IN000200UK03":
        told = _told("PRPA_IN000204UK03", "4")
        return Newcomer(
            authority="y",
            person="990000000065",
            registered=told,
            about=paper("PRPA_IN000204UK03", "added").replace(' updateMode="added"', ""),
        )
    blood, organ = (donor(what, "added") for what in ("blood", "organ"))
    return Newcomer(
        about=_before_consent(blood)
        + organ.replace("component1", "component").replace(' updateMode="added"', "")
    )


def _before_consent(blood: str) -> str:
    """Give a blood donor's wishes as an allocation has them: the address before the consent."""
    consent, where = re.findall(r"<component1? .*?</component1?>", blood)
    address_first = where.replace("component1", "component")
    last = consent.replace("component", "component1")
    whole = blood.replace(consent + where, address_first + last)
    return whole.replace(' updateMode="added"', "")
