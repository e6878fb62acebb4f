"""Clients that zeep makes from the published WSDL, and from ours, use the mini services unchanged.

Over mutual TLS: all five operations and every code of each, by the rule that leads to it where one
does, and by a core in which something breaks where none does.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
import zeep
from canonical import differences
from corpus import Corpus
from lxml import etree
from served_documents import combined, written
from smsp_asking import BY_NUMBER, payload
from smsp_cases import CASES, Case
from smsp_clients import (
    ITK,
    USER,
    Hospital,
    TurnedRound,
    session_in_process,
    session_over_tls,
)
from smsp_provider import provider
from tls_peer import Peer, certified, over_tls

from core.door import Core
from core.errors import PatternTooShort, StoreError
from legacy_contracts.envelopes.itk import (
    Address,
    Envelope,
    ManifestItem,
    Payload,
    Spec,
    built,
)
from legacy_contracts.smsp.codes import Code
from legacy_contracts.smsp.operations import OPERATIONS
from legacy_contracts.smsp.requests import Unanswerable
from legacy_contracts.smsp.wsdl import ADDRESSES, FILE

BROKEN: Final[dict[Code, Exception]] = {
    Code.DEMOGRAPHICS_FAILED: PatternTooShort("a refusal that no code names"),
    Code.NOT_CONNECTED: StoreError("the store is gone"),
    Code.FAILED: RuntimeError("a bug"),
}
"""What breaks behind the services; what no break leads to either is said by an adapter's error."""


CLIENT, OTHER = "client.spine.test", "other.spine.test"


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """Give the services behind mutual TLS."""
    tls = certified(tmp_path_factory.mktemp("zeep"), CLIENT, OTHER)
    with over_tls(provider(), tls) as served:
        yield served


@pytest.fixture(scope="module", params=["published-file", "our-files", "our-address"])
def hospitals(
    peer: Peer, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Hospital]:
    """Give a client for each certificate, made from the published WSDL, or from ours."""
    if request.param == "our-address":
        wsdl, base = f"{peer.base}/smsp/pds?wsdl", None
    else:
        ours = request.param == "our-files"
        folder: Path = (
            written(tmp_path_factory.mktemp("wsdl"))
            if ours
            else request.getfixturevalue("published") / "wsdl"
        )
        wsdl, base = str(folder / FILE), peer.base
    return {
        who: Hospital(wsdl, session_over_tls(peer.tls, who), base, forbid_external=base is not None)
        for who in (CLIENT, OTHER)
    }


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    """Give our schemas of envelope and payloads in one."""
    folder = written(tmp_path_factory.mktemp("schemas"))
    return etree.XMLSchema(etree.parse(combined(folder, folder)))


@pytest.mark.parametrize("hospitals", ["published-file", "our-address"], indirect=True)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_each_case_is_asked_over_tls_and_gets_its_code(
    hospitals: dict[str, Hospital], schema: etree.XMLSchema, case: Case
) -> None:
    hospital = hospitals[case.certificate_name]
    answer = hospital.ask(case.operation, payload(case.operation, case.asked))
    row = OPERATIONS[case.operation]
    assert answer.code == case.code
    assert etree.QName(answer.payload).localname == row.response_element
    assert answer.envelope.header.service == row.response_action
    (item,) = answer.envelope.header.manifest.manifestitem
    assert item.profileid == row.response_profile
    assert (item.base64, item.compressed, item.encrypted) == (False, False, False)
    (envelope,) = answer.received.iter(f"{ITK}DistributionEnvelope")
    schema.assertValid(etree.fromstring(etree.tostring(envelope)))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("code", Code)
def test_every_code_of_every_operation_reaches_a_client(
    hospitals: dict[str, Hospital],
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    code: Code,
) -> None:
    by_rule = [one for one in CASES if (one.operation, one.code) == (operation, code)]
    case = by_rule[0] if by_rule else next(one for one in CASES if one.operation == operation)
    if not by_rule:
        monkeypatch.setattr(Core, "perform", _raising(code))
    hospital = hospitals[case.certificate_name]
    assert hospital.ask(operation, payload(operation, case.asked)).code == code


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_address_gives_a_wsdl_that_a_client_is_made_of(peer: Peer, address: str) -> None:
    session = session_over_tls(peer.tls, CLIENT)
    hospital = Hospital(f"{peer.base}{address}?wsdl", session, forbid_external=False)
    case = CASES[0]
    answer = hospital.ask(case.operation, payload(case.operation, case.asked))
    assert answer.code == case.code
    ports = [
        (name, port.binding_options["address"])
        for name, service in hospital.client.wsdl.services.items()
        for port in service.ports.values()
    ]
    assert ports == [(name, f"{peer.base}{row.path}") for name, row in OPERATIONS.items()]


def test_a_client_that_writes_its_headers_otherwise_is_served(peer: Peer) -> None:
    """Last first, all to be understood, and with those of addressing that need not be there."""
    session = session_over_tls(peer.tls, CLIENT)
    hospital = Hospital(
        f"{peer.base}/syncsoap?wsdl", session, stamp=TurnedRound, forbid_external=False
    )
    for case in (one for one in CASES if one.name in {"single-match", "not-found"}):
        answer = hospital.ask(case.operation, payload(case.operation, case.asked))
        assert answer.code == case.code


@pytest.mark.parametrize("address", ["/smsp/pds", "/syncsoap"])
def test_the_addresses_of_all_operations_answer_each(peer: Peer, address: str) -> None:
    session = session_over_tls(peer.tls, CLIENT)
    hospital = Hospital(
        f"{peer.base}{address}?wsdl", session, base=peer.base, forbid_external=False
    )
    for operation in OPERATIONS:
        case = next(one for one in CASES if one.operation == operation)
        answer = hospital.ask(operation, payload(operation, case.asked), address)
        assert answer.code == case.code


def test_a_refusal_reaches_a_client_as_the_fault_of_the_wsdl(peer: Peer) -> None:
    session = session_over_tls(peer.tls, CLIENT)
    hospital = Hospital(f"{peer.base}/smsp/pds?wsdl", session, peer.base, forbid_external=False)
    verify = next(iter(OPERATIONS))
    case = CASES[0]
    with pytest.raises(zeep.exceptions.Fault) as refused:
        hospital.ask(verify, payload(verify, case.asked), OPERATIONS[BY_NUMBER].path)
    (told,) = refused.value.detail
    info = hospital.client.get_element(f"{ITK}ToolkitErrorInfo").parse(
        told, hospital.client.wsdl.types
    )
    assert (info.ErrorCode._value_1, info.ErrorText) == (
        "1000",
        "The service is not provided at this address",
    )
    assert info.ErrorCode.codeSystem == "2.16.840.1.113883.2.1.3.2.4.17.268"


def test_in_process_a_client_of_ours_says_what_the_one_over_tls_says(tmp_path: Path) -> None:
    """What zeep sends and reads does not depend on how it travels."""
    application = provider(lambda environ: (environ["test.certificate"],))
    hospital = Hospital(
        str(written(tmp_path) / FILE), session_in_process(application, CLIENT), "https://x"
    )
    for operation in OPERATIONS:
        case = next(one for one in CASES if one.operation == operation)
        assert hospital.ask(operation, payload(operation, case.asked)).code == case.code


# The public messages, read and written by the types that a client has from ours.

DEFAULTS: Final = {
    "/DistributionEnvelope/header/manifest/manifestitem/@metadata": "false",
    "/DistributionEnvelope/header/senderAddress/@type": "2.16.840.1.113883.2.1.3.2.4.18.22",
}
"""What zeep writes out that a message left to be understood."""


@pytest.mark.parametrize("which", ["published", "ours"])
def test_the_public_answers_go_through_a_client_with_nothing_lost(
    captured: Corpus, tmp_path: Path, request: pytest.FixtureRequest, which: str
) -> None:
    folder: Path = (
        written(tmp_path) if which == "ours" else request.getfixturevalue("published") / "wsdl"
    )
    types = _types(folder)
    answers = [one for one in captured.entries() if one.file.startswith("smsp-pds/")]
    assert len(answers) == 81
    for entry in answers:
        message = etree.fromstring(captured.text(entry.file).strip().encode())
        assert _added(message, types) <= DEFAULTS.items(), entry.file


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_request_goes_through_a_client_of_ours_with_nothing_lost(
    tmp_path_factory: pytest.TempPathFactory, case: Case
) -> None:
    """As the captured answers do, envelopes that say everything that a request may say."""
    item = ManifestItem("uuid_1", profile_id=OPERATIONS[case.operation].request_profile)
    envelope = Envelope(
        service=OPERATIONS[case.operation].action,
        tracking_id="8B5E1D2C-0F8B-4C0E-9A55-0D6A4C8A1F01",
        addresses=(Address("urn:nhs-uk:addressing:ods:YES"),),
        audit_identities=(Address(USER), Address("urn:nhs-uk:identity:ods:T99999:2", "1.2.3")),
        sender=Address("urn:nhs-uk:addressing:ods:T99999"),
        handling=(Spec("urn:nhs-itk:ns:201005:ackrequested", "false"),),
        manifest=(item,),
        payloads=(Payload("uuid_1", payload(case.operation, case.asked)),),
    )
    message = etree.fromstring(built(envelope))
    types = _types(written(tmp_path_factory.mktemp("wsdl")))
    assert {path.rpartition("/")[2] for path, _ in _added(message, types)} <= {"@metadata", "@type"}


def _types(folder: Path) -> zeep.Client:
    settings = zeep.Settings(strict=True, forbid_external=True)
    return zeep.Client(str(folder / FILE), settings=settings)


def _added(message: etree._Element, types: zeep.Client) -> set[tuple[str, str]]:
    """Give what a message has more once it was read and written again; fail for anything less."""
    element = types.get_element(f"{ITK}DistributionEnvelope")
    # What is read as any element is moved, not copied.
    value = element.parse(copy.deepcopy(message), types.wsdl.types)
    above = etree.Element("above")
    element.render(above, value)
    found = differences(message, etree.fromstring(etree.tostring(above[0])))
    assert [one for one in found if one.wanted != "None"] == []
    return {(one.path, one.got) for one in found}


def _raising(code: Code) -> Any:  # noqa: ANN401
    error = BROKEN.get(code, Unanswerable(code, "said by a test"))

    def perform(*_: object, **__: object) -> NoReturn:
        raise error

    return perform
