"""Clients that zeep makes from the published WSDL, and from ours, use the mini services unchanged.

Over mutual TLS: all five operations and every code of each, by the rule that leads to it where one
does, and by a core in which something breaks where none does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
import zeep
from canonical import differences
from corpus import Corpus
from lxml import etree
from served_documents import HOST
from smsp_asking import payload
from smsp_cases import CASES, Case
from smsp_clients import (
    ITK,
    Hospital,
    TurnedRound,
    session_in_process,
    session_over_tls,
)
from smsp_provider import provider
from tls_peer import Peer, certified, over_tls

from core.door import Core
from core.errors import PatternTooShort, StoreError
from legacy_contracts.smsp.codes import Code
from legacy_contracts.smsp.operations import OPERATIONS
from legacy_contracts.smsp.requests import Unanswerable
from legacy_contracts.smsp.wsdl import ADDRESSES

NAME: Final = "PDSMiniServices-v1-0.wsdl"
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


@pytest.fixture(scope="module", params=["published", "ours"])
def hospitals(peer: Peer, request: pytest.FixtureRequest) -> dict[str, Hospital]:
    """Give a client for each certificate: of the published WSDL, which is told where we are, or of
    ours, which says it itself."""
    published = request.param == "published"
    folder: Path | None = request.getfixturevalue("published") if published else None
    return {
        who: Hospital(
            str(folder / "wsdl" / NAME) if folder else f"{peer.base}/smsp/pds?wsdl",
            session_over_tls(peer.tls, who),
            base=peer.base if folder else None,
        )
        for who in (CLIENT, OTHER)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_each_case_is_asked_over_tls_and_gets_its_code(
    hospitals: dict[str, Hospital], case: Case
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
    hospital = Hospital(f"{peer.base}{address}?wsdl", session_over_tls(peer.tls, CLIENT))
    case = CASES[0]
    answer = hospital.ask(case.operation, payload(case.operation, case.asked))
    assert answer.code == case.code
    ports = [
        (name, port.binding_options["address"])
        for name, service in hospital.client.wsdl.services.items()
        for port in service.ports.values()
    ]
    assert ports == [(name, f"{peer.base}{row.path}") for name, row in OPERATIONS.items()]


def _raising(code: Code) -> Any:  # noqa: ANN401
    error = BROKEN.get(code, Unanswerable(code, "said by a test"))

    def perform(*_: object, **__: object) -> NoReturn:
        raise error

    return perform
