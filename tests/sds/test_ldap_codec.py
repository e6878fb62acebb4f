"""LDAP's bytes: read within bounds, and held against a codec that others wrote (ldap3, pyasn1)."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.bind import bind_operation
from ldap3.operation.compare import compare_operation
from ldap3.operation.search import search_operation
from ldap3.protocol.controls import build_control
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.protocol.rfc4511 import LDAPMessage
from ldap_fuzzing import case
from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import univ

from legacy_contracts.sds import ldap_answers, ldap_requests
from legacy_contracts.sds import ldap_ber as ber
from legacy_contracts.sds.filters_text import read_text
from legacy_contracts.sds.ldap_ber import Reader, measured
from legacy_contracts.sds.ldap_codes import PAGED_RESULTS, Malformed, Result, Scope, Tag
from legacy_contracts.sds.ldap_filters import FilterLimits
from legacy_contracts.sds.ldap_messages import (
    Bind,
    Compare,
    Control,
    Message,
    Refusal,
    Search,
    read_message,
)

LIMITS = FilterLimits()
TEXTS = (
    "(&(nhsIDCode=A81001)(objectClass=nhsAs)(nhsAsSvcIA=urn:x:ASK))",
    "(|(cn=*)(!(sn=a*b*c))(o=*x*)(uid>=1)(uid<=9)(cn~=z))",
    "(cn:dn:2.5.13.2:=a\\2ab)",
)


def _theirs(operation: Any, name: str, controls: Any = None) -> bytes:  # noqa: ANN401
    message = LDAPMessage()
    message["messageID"] = 7
    message["protocolOp"] = message["protocolOp"].setComponentByName(name, operation)
    if controls is not None:
        message["controls"] = controls
    return bytes(encoder.encode(message))


@pytest.mark.parametrize("text", TEXTS)
def test_a_search_that_ldap3_wrote_is_read(text: str) -> None:
    operation = search_operation(
        "ou=services, o=nhs",
        text,
        "SUBTREE",
        "ALWAYS",
        ["nhsMHSPartyKey"],
        3,
        5,
        False,  # noqa: FBT003
        None,
        None,
    )
    controls = [paged_search_control(True, 50, b"abc")]  # noqa: FBT003
    read = read_message(_theirs(operation, "searchRequest", _controls(controls)), LIMITS)
    assert read.message_id == 7
    assert read.answered_by is Tag.SEARCH_DONE
    assert read.request == Search(
        "ou=services, o=nhs",
        Scope.SUB,
        3,
        5,
        False,  # noqa: FBT003
        read_text(text),
        ("nhsMHSPartyKey",),
    )
    (control,) = read.controls
    assert (control.oid, control.critical) == (PAGED_RESULTS, True)
    assert ldap_answers.read_paged(control.value) == (50, b"abc")


def _controls(controls: list[Any]) -> Any:  # noqa: ANN401
    from ldap3.protocol.rfc4511 import Controls  # noqa: PLC0415

    built = Controls()
    for place, one in enumerate(controls):
        built[place] = one
    return built


def test_a_bind_and_a_comparison_that_ldap3_wrote_are_read() -> None:
    simple = bind_operation(3, "SIMPLE", "cn=a,o=nhs", "secret")
    read = read_message(_theirs(simple, "bindRequest"), LIMITS)
    assert read.request == Bind(3, "cn=a,o=nhs", None, b"secret")
    sasl = bind_operation(3, "SASL", "", None, "EXTERNAL", None)
    read = read_message(_theirs(sasl, "bindRequest"), LIMITS)
    assert isinstance(read.request, Bind)
    assert read.request.mechanism == "EXTERNAL"
    compared = compare_operation("o=nhs", "o", "nhs", None, None)
    read = read_message(_theirs(compared, "compareRequest"), LIMITS)
    assert read.request == Compare("o=nhs", "o", b"nhs")
    assert build_control("1.2.3", True, None) is not None  # noqa: FBT003


def test_a_bind_of_version_2_is_refused_by_its_own_answer() -> None:
    simple = bind_operation(2, "SIMPLE", "cn=a", "b")
    read = read_message(_theirs(simple, "bindRequest"), LIMITS)
    assert isinstance(read.request, Refusal)
    assert (read.request.code, read.answered_by) == (Result.PROTOCOL_ERROR, Tag.BIND_RESPONSE)


def test_what_we_say_is_read_by_ldap3() -> None:
    entry = ldap_answers.entry("o=nhs", (("o", ("nhs", "é")), ("ou", ())))
    decoded, rest = decoder.decode(ldap_answers.message(300, entry), asn1Spec=LDAPMessage())
    found = decoded["protocolOp"]["searchResEntry"]
    assert not rest
    assert int(decoded["messageID"]) == 300
    assert bytes(found["object"]) == b"o=nhs"
    values = [[bytes(one) for one in each["vals"]] for each in found["attributes"]]
    assert values == [[b"nhs", "é".encode()], []]
    done = ldap_answers.result(Tag.SEARCH_DONE, Result.NO_SUCH_OBJECT, "no", "o=nhs")
    data = ldap_answers.message(2**31 - 1, done, ldap_answers.paged(b"x" * 200))
    decoded, _ = decoder.decode(data, asn1Spec=LDAPMessage())
    assert int(decoded["protocolOp"]["searchResDone"]["resultCode"]) == 32
    assert str(decoded["controls"][0]["controlType"]) == PAGED_RESULTS


def test_where_both_take_broken_bytes_they_read_the_same_id_and_operation() -> None:
    both = 0
    for number in range(1500):
        data = case(4511, number)
        try:
            ours = read_message(data, LIMITS)
        except Malformed:
            continue
        try:
            decoded, _ = decoder.decode(data, asn1Spec=LDAPMessage())
        except PyAsn1Error:
            # It reads what is within a change, refused here unread, and reads no conjunction.
            continue
        except Exception:  # noqa: BLE001, S112 - it is no model for broken bytes
            continue
        both += 1
        assert int(decoded["messageID"]) == ours.message_id
        if isinstance(ours.request, Search):
            theirs = decoded["protocolOp"]["searchRequest"]
            assert bytes(theirs["baseObject"]).decode() == ours.request.base
            names = tuple(bytes(one).decode() for one in theirs["attributes"])
            assert names == ours.request.attributes
    assert both > 100


def test_a_request_reads_as_it_was_written() -> None:
    wanted = Search("o=nhs", Scope.ONE, 5, 6, True, read_text(TEXTS[1]), ("*", "+"))  # noqa: FBT003
    controls = (Control("1.2.3", True, b"x"), Control("1.2.4", False, None))  # noqa: FBT003
    data = ldap_requests.message(9, ldap_requests.search(wanted), controls)
    assert read_message(data, LIMITS) == Message(9, wanted, Tag.SEARCH_DONE, controls)


@given(data=st.binary(max_size=64))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert read_message(data, LIMITS).message_id >= 0


@pytest.mark.parametrize("octets", [b"\x30\x80", b"\x30\x85\1\1\1\1\1", b"\x30\xff"])
def test_an_indefinite_or_giant_length_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed):
        measured(octets)


def test_a_length_of_four_octets_is_measured_however_small() -> None:
    # Windows and Java clients write so.
    inner = b"\x02\x84\0\0\0\x01\x05\x42\x84\0\0\0\0"
    data = b"\x30\x84" + len(inner).to_bytes(4) + inner
    assert measured(data) == len(data)
    assert read_message(data, LIMITS).message_id == 5


@given(value=st.integers(-(2**31), 2**31 - 1))
def test_a_number_reads_as_it_was_written(value: int) -> None:
    assert Reader(ber.number(value)).number() == value
    assert int(decoder.decode(ber.number(value), asn1Spec=univ.Integer())[0]) == value


@given(size=st.sampled_from((0, 1, 127, 128, 255, 256, 65_535, 65_536)))
def test_a_string_of_any_length_reads_as_it_was_written(size: int) -> None:
    assert Reader(ber.octets(b"x" * size)).octets() == b"x" * size


def _of(scope: int = 2, aliases: int = 0, size: int = 0) -> bytes:
    wanted = Search("o=nhs", Scope.SUB, size, 0, False, read_text("(o=*)"), ())  # noqa: FBT003
    data = ldap_requests.search(wanted)
    return data.replace(b"\x0a\x01\x02\x0a\x01\x00", bytes((10, 1, scope, 10, 1, aliases)))


@pytest.mark.parametrize("operation", [_of(scope=3), _of(aliases=4), _of(size=-1)])
def test_a_search_with_a_value_that_is_none_is_refused_and_the_connection_goes_on(
    operation: bytes,
) -> None:
    read = read_message(ldap_requests.message(3, operation), LIMITS)
    assert isinstance(read.request, Refusal)
    assert read.request.code is Result.PROTOCOL_ERROR
    assert read.answered_by is Tag.SEARCH_DONE


def test_no_length_leads_out_of_what_it_stands_in() -> None:
    dice = random.Random(7)  # noqa: S311 - a repeatable choice
    whole = ldap_requests.message(1, _of())
    for at in range(len(whole)):
        for _ in range(4):
            data = bytearray(whole)
            data[at] = dice.randrange(256)
            with contextlib.suppress(Malformed):
                read_message(bytes(data), LIMITS)
