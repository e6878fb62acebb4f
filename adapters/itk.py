"""The one path of an ITK request: framed, stamped, opened, asked for, answered once, dressed.

What is wrong with the message is a SOAP fault with a ToolkitErrorInfo (envelopes.toolkit); what is
wrong with the question is an answer with its code (adapters.smsp). Who asks is the party of the
certificate; which person or role it asks for, the audit identity says, and the audit keeps
(docs/decisions/0025-the-web-services-of-the-toolkit.md).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import MAXYEAR, timedelta
from functools import partial
from typing import Final

from msgspec import Struct

from adapters import smsp
from adapters.ourselves import Ourselves
from adapters.pipeline import Answered, Request
from core.door import Core
from core.errors import Duplicate, NotAllowed, StoreError
from core.messaging.sightings import Once
from core.values.identity import Caller, PartyKey, Person
from legacy_contracts import oids, xml
from legacy_contracts.envelopes import addressing, itk, toolkit, wsse
from legacy_contracts.envelopes.addressing import Header
from legacy_contracts.envelopes.itk import Address, Envelope, ManifestItem, Payload
from legacy_contracts.envelopes.toolkit import ItkError, refusal
from legacy_contracts.errors import ContractError
from legacy_contracts.smsp import answers
from legacy_contracts.smsp.answers import Reply
from legacy_contracts.smsp.codes import Code
from legacy_contracts.smsp.operations import BY_ACTION, OPERATIONS, Operation

ANYWHERE: Final = frozenset({"/smsp/pds", "/syncsoap"})
"""The addresses of all operations: the Spine's own, and the test workbench's (domains.md 2.6)."""

BY_PATH: Final = {operation.path: operation for operation in OPERATIONS.values()}
"""The published addresses, one for each operation."""

PATHS: Final = ANYWHERE | BY_PATH.keys()

_ROLE: Final = "1.2.826.0.1285.0.2.0.108"
"""How the public client of smartcards types a job role (Inhealthcare/open-inhealthcare)."""

_OF_NO_USER: Final = frozenset({oids.ROLE_PROFILE, oids.JOB_ROLE, _ROLE, oids.ASID})
"""The types of audit identities that say what a user, or a system, is, and not who."""

_PASSING: Final = frozenset({Code.NOT_CONNECTED, Code.FAILED})
"""The answers after which the same request may be sent again: nothing was decided."""


class Asked(Struct, frozen=True):
    """A request that is in order: whatever it asks, it gets an answer and no fault."""

    header: Header
    envelope: Envelope
    operation: Operation
    payload: Payload
    security: wsse.Security


class Provider(Struct, frozen=True):
    """Who answers: the core, the clock and ids, how far clocks may differ, whom to tell of bugs."""

    us: Ourselves
    skew: timedelta
    report: Callable[[Exception], None]

    @property
    def organisation(self) -> str:
        """The code of the organisation that runs this facade: what its party key starts with."""
        party = self.us.core.directory.party(self.us.party_key)
        return (party.organisation if party else "") or self.us.party_key.partition("-")[0]


class _Passing(Exception):
    """The answer says that nothing was decided: the request is not spent."""

    def __init__(self, given: smsp.Answered) -> None:
        self.given = given
        super().__init__(given.code)


def read(request: Request, path: str, provider: Provider) -> Asked:
    """Give a request that is in order; raise `ItkError` for the first thing that is not."""
    try:
        root = xml.parse(request.body, charset=request.charset)
    except ContractError as error:
        raise refusal("NOT_XML") from error
    frame = addressing.framed(root)
    at = wsse.Moment(provider.us.context.now(), provider.skew)
    header = addressing.opened(frame.header)
    security = wsse.opened(frame.header, at)
    envelope = itk.opened(frame.content)
    addressing.require_action(header, request.soap_action, envelope.service)
    operation = BY_ACTION.get(envelope.service)
    if operation is None:
        raise refusal("UNKNOWN_SERVICE")
    if BY_PATH.get(path, operation) is not operation:
        raise refusal("WRONG_ADDRESS", f"{path} is not its address")
    payload = itk.asked(envelope, operation.request_profiles)
    return Asked(header, envelope, operation, payload, security)


def answer(asked: Asked, certificate_names: tuple[str, ...], provider: Provider) -> Answered:
    """Give the answer to a request that is in order; raise `ItkError` where it is refused."""
    core = provider.us.core
    caller = _caller(asked, core.directory.party_of(certificate_names))
    try:
        given = core.once(
            _once(asked, provider), asked.operation.name, partial(_given, asked, caller), by=caller
        )
    except _Passing as passing:
        given = passing.given
    except Duplicate as error:
        raise refusal("REPLAYED", "its message ID or tracking ID was used before") from error
    except NotAllowed as error:
        raise refusal("NOT_ALLOWED") from error
    except StoreError as error:
        given = _not_connected(asked, provider, error)
    if given.fault is not None:
        provider.report(given.fault)
    return Answered(
        200,
        _dressed(asked, given.payload, provider),
        asked.operation.name,
        given.code.value,
        given.why,
    )


def refused(error: ItkError, request: Request, operation: str, provider: Provider) -> Answered:
    """Give the SOAP fault of a refusal, which says what it answers where that can be read."""
    context = provider.us.context
    body = toolkit.fault(error, context.new_id())
    sent = addressing.built(addressing.FAULT, context.new_id(), _related(request), body)
    return Answered(toolkit.HTTP_STATUS, sent, operation, error.name, error.diagnostic or None)


def _related(request: Request) -> str | None:
    try:
        return addressing.message_id_of(xml.parse(request.body, charset=request.charset))
    except ContractError:
        return None


def _caller(asked: Asked, party_key: PartyKey | None) -> Caller:
    """Give who asks: its party, and the person whom the audit identity names."""
    party = party_key or PartyKey("")
    return Caller(
        party_key=party,
        asid=None,
        activity=asked.operation.name,
        message_id=asked.envelope.tracking_id,
        person=_person(asked.envelope.audit_identities),
        named_party=party,
    )


def _person(identities: tuple[Address, ...]) -> Person:
    """Give the person that an audit identity names: a smartcard's ids are of the Spine's own types.

    Who has no smartcard is named by one id of the sender's own (ITK Spine Mini Service - Common
    Client Requirements v1.0, 3 and MSCA-AUD-04, in nhsconnect/spine-smsp).
    """
    typed = {one.type: one.uri for one in reversed(identities)}
    own = (one.uri for one in identities if one.type not in _OF_NO_USER)
    return Person(
        role_profile=typed.get(oids.ROLE_PROFILE, ""),
        user=typed.get(oids.USER) or next(own, identities[0].uri),
        job_role=typed.get(oids.JOB_ROLE) or typed.get(_ROLE, ""),
    )


def _once(asked: Asked, provider: Provider) -> Once:
    """Give the ids that are spent by an answer, until the request would be refused as expired."""
    ids = (f"message {asked.header.message_id}", f"tracking {asked.envelope.tracking_id}")
    expires = asked.security.expires
    return Once(ids, expires if expires.year == MAXYEAR else expires + provider.skew)


def _given(asked: Asked, caller: Caller, core: Core) -> smsp.Answered:
    payload = asked.payload
    # What came as an element is parsed already.
    asking = payload.content if payload.element is None else payload.element
    given = smsp.answered(core, asked.operation, asking, caller)
    if given.code in _PASSING:
        raise _Passing(given)
    return given


def _not_connected(asked: Asked, provider: Provider, error: StoreError) -> smsp.Answered:
    """Give the answer where what was found could not be audited: it may not be shown."""
    reply = Reply(provider.us.context.new_id(), Code.NOT_CONNECTED, None)
    payload = answers.build(asked.operation, reply).encode()
    return smsp.Answered(payload, Code.NOT_CONNECTED, type(error).__name__)


def _dressed(asked: Asked, payload: bytes, provider: Provider) -> bytes:
    """Give the whole answer: an envelope of ours around the payload, addressed as an answer is."""
    new_id = provider.us.context.new_id
    payload_id = f"uuid_{new_id()}"
    ours = f"ods:{provider.organisation}"
    envelope = Envelope(
        service=asked.operation.response_action,
        tracking_id=new_id(),
        manifest=(ManifestItem(id=payload_id, profile_id=asked.operation.response_profile),),
        payloads=(Payload(payload_id, payload),),
        audit_identities=(Address(f"{itk.IDENTITIES}{ours}"),),
        sender=Address(f"{itk.ADDRESSES}{ours}"),
    )
    return addressing.built(
        asked.operation.response_action,
        new_id(),
        asked.header.message_id,
        itk.built(envelope),
    )
