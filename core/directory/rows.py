"""The rows of the directory: organisations, people, parties, systems, contracts.

Each is the one place of its facts: what the hub works with and what clients are shown are made from
the same row.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from core.values.identity import Asid, PartyKey

Attributes = tuple[tuple[str, tuple[str, ...]], ...]
"""What an entry says that its row does not, by name, values in order.

A name that the row says too is said otherwise here, and this is what is shown; no values mean that
the entry does not say it at all.
"""


class Acknowledging(StrEnum):
    """How what a party sends is acknowledged to it: real message handlers do both."""

    REQUESTED = "requested"
    """In the answer to the sending where the message asks for that, posted back where not."""
    ANSWERED = "answered"
    """Always in the answer."""
    POSTED = "posted"
    """Always posted back."""


class Actor(StrEnum):
    """Who acknowledges a message: the next message handler on its way, or the last."""

    NEXT_MSH = "nextMSH"
    TO_PARTY_MSH = "toPartyMSH"


class Organisation(Struct, frozen=True):
    """An organisation: its code in the national directory (ODS), its name."""

    ods_code: str
    name: str
    attributes: Attributes = ()


class Party(Struct, frozen=True):
    """An organisation's message handler: its party key, its certificates' names, its systems.

    `organisation` is an ODS code; `endpoint` is where messages for the party are posted, unless
    a contract says otherwise. Either may be empty. One that is `derived` was never listed itself:
    what is known of it is what its systems and contracts say.
    """

    party_key: PartyKey
    name: str
    certificate_names: tuple[str, ...]
    asids: tuple[Asid, ...] = ()
    organisation: str = ""
    endpoint: str = ""
    acknowledgments: Acknowledging = Acknowledging.REQUESTED
    derived: bool = False
    attributes: Attributes = ()


class System(Struct, frozen=True):
    """An accredited system: its ASID, the party that runs it, what it may do.

    `interactions` are its activities in full, `service:interaction`, as the directory shows them;
    `organisation` is the ODS code that it is for, the party's where it is empty.
    """

    asid: Asid
    party_key: PartyKey
    name: str
    activities: tuple[str, ...]
    interactions: tuple[str, ...] = ()
    organisation: str = ""
    attributes: Attributes = ()


class ContractProperties(Struct, frozen=True):
    """What was agreed with a party on receiving one kind of message, by service and interaction.

    An empty `endpoint` means the party's own. A message that is not acknowledged is sent again
    `retries` times, `retry_seconds` apart; it is remembered for `persist_seconds`. `identifier`
    is its own in the directory, one that follows from its key where it is empty; `organisation` is
    the ODS code that it is for, the party's where it is empty.
    """

    party_key: PartyKey
    service: str
    interaction: str
    cpa_id: str
    endpoint: str
    ack_requested: bool
    duplicate_elimination: bool
    sync_reply: bool
    actor: Actor
    retries: int
    retry_seconds: float
    persist_seconds: float
    ordered: bool = False
    identifier: str = ""
    organisation: str = ""
    attributes: Attributes = ()


class Person(Struct, frozen=True):
    """A person who may use systems: the user id that messages name, the name."""

    user: str
    name: str
    family_name: str = ""
    attributes: Attributes = ()


class Membership(Struct, frozen=True):
    """That a person works at an organisation: its own id, the user, the ODS code."""

    identifier: str
    user: str
    organisation: str
    name: str = ""
    attributes: Attributes = ()


class RoleProfile(Struct, frozen=True):
    """What a person may do at an organisation: the role profile's id that messages name.

    `membership` is the id of the `Membership` that it stands under, empty where it stands directly
    under the person.
    """

    identifier: str
    user: str
    job_role: str
    job_role_code: str = ""
    organisation: str = ""
    membership: str = ""
    attributes: Attributes = ()


Row = Organisation | Party | System | ContractProperties | Person | Membership | RoleProfile


class CertificateName(Struct, frozen=True):
    """Which party a certificate's name belongs to."""

    name: str
    party_key: PartyKey
