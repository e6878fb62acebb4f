"""An LDIF in and out of the table: what the hub works with, what comes back, what is refused."""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from commanding import done, made_folder, run, told
from directories import (
    CONTRACT,
    MEMBERSHIP,
    ORGANISATION,
    PERSON,
    ROLE_PROFILE,
    SYSTEM,
    WHOLE,
    directory_of,
    entries_in,
    exported,
    faults_of,
    imported,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import sds
from core.context import system_context
from core.directory import (
    Actor,
    ContractProperties,
    Organisation,
    key_of,
    list_entries,
    list_rows,
)
from core.directory.finding import BUCKETS, Kind
from core.store.memory import MemoryStore
from core.values.identity import Asid, PartyKey
from legacy_contracts.sds import ldif, schema
from legacy_contracts.sds.entry import Entry
from operations import exporting, listing, setup, standing

KEY: Final = PartyKey("A12345-0000001")


def rows_of(store: MemoryStore) -> list[Any]:
    """Give every row of the table, by kind and key."""
    return [row for bucket in BUCKETS.values() for row in exporting.rows(store, bucket)]


def test_the_hub_works_with_what_an_ldif_says(store: MemoryStore) -> None:
    imported(store, WHOLE)
    directory = directory_of(store)

    service = "urn:nhs:names:services:gp2gp"
    contract = directory.contract(KEY, service, "RCMR_IN010000UK05")
    assert contract == ContractProperties(
        party_key=KEY,
        service=service,
        interaction="RCMR_IN010000UK05",
        cpa_id="S9999999A9999999",
        endpoint="https://mhs.hill.example.test:4433/in",
        ack_requested=True,
        duplicate_elimination=False,
        sync_reply=False,
        actor=Actor.NEXT_MSH,
        retries=3,
        retry_seconds=90.0,
        persist_seconds=101400.0,
        identifier="S9999999A9999999",
        organisation="A12345",
        attributes=(
            ("nhsMHSIsAuthenticated", ("transient",)),
            ("nhsMHSRetryInterval", ("PT90S",)),
            ("nhsMHSServiceDescription", ("Hill é",)),
        ),
    )
    assert directory.party_of(["MHS.hill.example.test"]) == KEY
    party = directory.party(KEY)
    assert party is not None
    assert (party.name, party.organisation, party.derived) == ("Hill practice", "A12345", True)
    system = directory.system(Asid("100000000001"))
    assert system is not None
    assert system.activities == ("QUPA_IN000008UK02", "RCMR_IN010000UK05")
    assert list(standing.faults(store)) == []


def test_what_was_imported_is_exported_again(store: MemoryStore) -> None:
    imported(store, WHOLE)

    said = entries_in(WHOLE)
    for name in ("entryuuid", "createtimestamp"):
        said["uniqueidentifier=100000000001,ou=services,o=nhs"].pop(name)
    assert entries_in(exported(store)) == said


def test_the_sample_directory_goes_through_both_formats_unchanged(
    store: MemoryStore, tmp_path: Path
) -> None:
    file = tmp_path / "directory.toml"
    file.write_text(setup.DIRECTORY)
    read_toml(file, store)
    before = rows_of(store)

    through_ldif, through_toml = MemoryStore(), MemoryStore()
    imported(through_ldif, exported(store))
    file.write_text("".join(exporting.as_toml(store)))
    read_toml(file, through_toml)

    assert len(before) > 40
    assert rows_of(through_ldif) == before
    assert rows_of(through_toml) == before
    assert list(standing.faults(store)) == []


def read_toml(file: Path, store: MemoryStore) -> None:
    """Import a TOML file that has no fault."""
    read = listing.read(file, store)
    context = system_context()
    at, import_id = context.now().isoformat(), context.new_id()
    for rows in (
        *(read.organisations, read.people, read.memberships, read.role_profiles),
        read.contracts,
    ):
        list_rows(store, rows, at=at, import_id=import_id)
    list_entries(store, read.parties, read.systems, at=at, import_id=import_id)


TEXT: Final = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"),
    min_size=1,
    max_size=80,
)
LONGER: Final = {
    "nhsAs": ("description", "nhsAsACF", "nhsProductVersion", "nhsMhsManufacturerOrg"),
    "nhsMhs": ("nhsMHSServiceDescription", "nhsProductName", "nhsMhsIPAddress", "nhsMHSActor"),
    "nhsOrg": ("nhsAltOrgNames", "postalAddress", "labeledURI", "ou"),
}


@st.composite
def further(draw: st.DrawFn, kind: str) -> dict[str, tuple[str, ...]]:
    """Give further attributes that a class may have."""
    may = schema.bounds((kind.lower(),))[1]
    found = {}
    for name in LONGER[kind]:
        known = schema.attribute(name)
        if known is None or known.name.lower() not in may or not draw(st.booleans()):
            continue
        if name == "nhsMHSActor":
            found[name] = tuple(
                f"{sds.ACTOR}{one}" for one in draw(st.permutations(["nextMSH", "toPartyMSH"]))
            )
            continue
        count = 1 if known.single else draw(st.integers(1, 3))
        found[name] = tuple(draw(st.lists(TEXT, min_size=count, max_size=count, unique=True)))
    return found


@st.composite
def tables(draw: st.DrawFn) -> list[Entry]:
    """Give the entries of some organisations, with what their systems and parties agreed on."""
    entries = []
    for number in range(draw(st.integers(1, 3))):
        code, key = f"A{number}", f"A{number}-000000{number}"
        entries.append(
            entry(f"uniqueIdentifier={code},{sds.ORGANISATIONS}", "nhsOrg", code, draw)
            | {"nhsIDCode": (code,), "o": (draw(TEXT),)}
        )
        served = draw(st.lists(st.sampled_from("ABCDE"), min_size=1, unique=True))
        asid = f"10000000000{number}"
        entries.append(
            entry(f"uniqueIdentifier={asid},{sds.SERVICES}", "nhsAs", asid, draw)
            | {
                "nhsIDCode": (code,),
                "nhsMHSPartyKey": (key,),
                "nhsAsSvcIA": tuple(f"urn:x:{one}" for one in served),
            }
        )
        for one in served:
            name = f"S{number}{one}"
            entries.append(
                entry(f"uniqueIdentifier={name},{sds.SERVICES}", "nhsMhs", name, draw)
                | {
                    "nhsIDCode": (code,),
                    "nhsMHSPartyKey": (key,),
                    "nhsMhsSvcIA": (f"urn:x:{one}",),
                    "nhsMhsCPAId": (draw(st.sampled_from(("S1", "S2"))),),
                    "nhsMHSEndPoint": (f"https://h{number}.test/{one}", "https://second.test/"),
                    "nhsMhsFQDN": (draw(st.sampled_from((f"h{number}.test", f"o{number}.test"))),),
                }
                | draw(reliability())
            )
    return [
        Entry(one["dn"][0], tuple((name, values) for name, values in one.items() if name != "dn"))
        for one in entries
    ]


def entry(dn: str, kind: str, key: str, draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Give what an entry says whatever it is."""
    return {
        "dn": (dn,),
        "objectClass": ("top", kind),
        "uniqueIdentifier": (key,),
        **draw(further(kind)),
    }


@st.composite
def reliability(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Give some of what a party may have agreed on, in the words of real entries."""
    words = {
        "nhsMHSAckRequested": ("always", "never", "Always"),
        "nhsMHSDuplicateElimination": ("always", "never"),
        "nhsMHSSyncReplyMode": ("MSHSignalsOnly", "None", "none", "signalsAndResponse"),
        "nhsMHSRetries": ("0", "2", "02"),
        "nhsMHSRetryInterval": ("PT1M", "PT60S", "PT0.5S"),
        "nhsMHSPersistDuration": ("PT5M", "P1D", "P1W"),
        "spineOrdered": ("TRUE", "FALSE"),
    }
    return {
        name: (draw(st.sampled_from(some)),) for name, some in words.items() if draw(st.booleans())
    }


def as_a_client_writes(entries: list[Entry], dice: random.Random) -> str:
    """Give an LDIF with names in any case, comments, and folds."""
    texts = []
    for one in entries:
        lines = ldif.written(one).split("\n")
        for number, line in enumerate(lines):
            name, colon, rest = line.partition(":")
            if line.startswith(" "):
                continue
            if colon and dice.random() < 0.5:
                lines[number] = f"{name.upper()}{colon}{rest}"
            if dice.random() < 0.1:
                lines[number] = f"# a comment\n  that goes on\n{lines[number]}"
        texts.append("\n".join(lines).rstrip("\n") + "\n")
    return "\n".join(texts) + "\n"


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_any_table_comes_back_from_ldif_and_from_toml(data: st.DataObject) -> None:
    entries = data.draw(tables())
    text = as_a_client_writes(entries, data.draw(st.randoms(use_true_random=False)))
    store, again, through_toml = MemoryStore(), MemoryStore(), MemoryStore()

    imported(store, text)
    imported(again, exported(store))

    assert entries_in(exported(store)) == entries_in(text)
    assert rows_of(again) == rows_of(store)
    read_text(through_toml, "".join(exporting.as_toml(store)))
    assert rows_of(through_toml) == rows_of(store)


def read_text(store: MemoryStore, text: str) -> None:
    """Import TOML."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.toml"
        file.write_text(text, encoding="utf-8")
        read_toml(file, store)


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("nhsIDCode: A12345\nnhsMHSPartyKey", "nhsMHSPartyKey", "nhsIDCode is missing, and party"),
        ("nhsMhsCPAId: S9999999A9999999\n", "", "nhsMhsCPAId is missing: the class of the entry"),
        (
            "nhsMHSEndPoint: https://mhs.hill.example.test:4433/in\n",
            "",
            "nhsMHSEndPoint is missing",
        ),
        ("nhsMHSEndPoint: https", "nhsMHSEndPoint: http", "is not https: write https://host/path"),
        ("nhsMHSRetries: 3", "nhsMHSRetries: three", "nhsMHSRetries = three is no count"),
        ("nhsMHSRetries: 3", f"nhsMHSRetries: {'9' * 5000}", "9 is no count: give one from 0 to"),
        ("nhsMHSRetries: 3", "nhsMHSRetries: 3\nnhsMHSRetries: 4", "has 2 values and may have one"),
        ("nhsMHSRetries: 3", "nhsMHSRetrys: 3", "nhsmhsretrys is no attribute that is known here"),
        ("nhsMHSRetries: 3", "nhsMHSRetries:", "nhsMHSRetries is empty: give it a value"),
        ("nhsMHSRetries: 3", "nhsMHSRetries 3", 'is not "name: value": correct the line'),
        ("nhsMHSRetries: 3", "nhsMHSRetries", 'is not "name: value": correct the line'),
        ("nhsMHSRetries: 3", "nhsMHSRetries:: 3", 'what follows "::" is not base64'),
        ("nhsMHSRetries: 3", "nhsMHSRetries;x-y: 3", "options of attributes are not kept here"),
        ("nhsMHSRetries: 3", "nhsMHSRetries:< file:///x", "a value in another file is not read"),
        ("nhsMHSRetries: 3", "nhsAsClient: A1", "nhsAsClient is not allowed in an entry of this"),
        ("PT90S", "90", "nhsMHSRetryInterval = 90 is no duration"),
        ("P1DT4H10M", "PT1M", "nhsMHSPersistDuration is shorter than nhsMHSRetryInterval"),
        ("P1DT4H10M", "PT0S", "nhsMHSPersistDuration is zero"),
        ("P1DT4H10M", "P53W", "is longer than 366 days"),
        ("nhsMHSAckRequested: always", "nhsMHSAckRequested: maybe", "maybe is not known: write"),
        ("actor:nextMSH", "actor:lastMSH", "nhsMHSActor = "),
        ("nhsMHsIN: RCMR_IN010000UK05", "nhsMHsIN: OTHER", "and nhsMHsSN and nhsMHsIN say"),
        ("objectClass: nhsMhs", "objectClass: nhsMhx", "objectClass nhsMhx is not kept here"),
        ("objectClass: nhsMhs", "objectClass: person", "is of no kind that is kept here"),
        ("objectClass: top\nobjectClass: nhsMhs\n", "", "objectClass is missing"),
        (
            "dn: uniqueIdentifier=S9999999A9999999,ou=services",
            "dn: uniqueIdentifier=S1,ou=services",
            "the DN does not begin with uniqueIdentifier=S9999999A9999999",
        ),
        (
            "dn: uniqueIdentifier=S9999999A9999999,ou=services",
            "dn: uniqueIdentifier=S9999999A9999999,ou=people",
            "the entry stands at uniqueIdentifier=S9999999A9999999,ou=services,o=nhs",
        ),
        (
            "dn: uniqueIdentifier=S9999999A9999999,ou=services",
            "dn: S9999999A9999999,ou=services",
            "is no name: a part is not attribute=value",
        ),
        ("dn: uniqueIdentifier=S9999999A9999999,ou=services,o=nhs\n", "", 'begins with "dn: ..."'),
    ],
)
def test_each_fault_is_named_alone_with_its_line(right: str, wrong: str, fault: str) -> None:
    assert right in CONTRACT
    text = "\n".join((ORGANISATION, CONTRACT.replace(right, wrong, 1), SYSTEM))
    (said,) = faults_of(text)
    assert fault in said
    number = int(said.removeprefix("line ").partition(":")[0])
    assert ORGANISATION.count("\n") < number <= text.count("\n")


def test_a_fault_has_the_number_of_its_own_line() -> None:
    text = WHOLE.replace("nhsMHSRetries: 3", "nhsMHSRetries: x")
    expected = text[: text.index("nhsMHSRetries: x")].count("\n") + 1
    (said,) = faults_of(text)
    assert said.startswith(f"line {expected}: uniqueIdentifier=S9999999A9999999,ou=services")


def test_contracts_that_contradict_each_other_are_named_with_both_lines() -> None:
    other = CONTRACT.replace("S9999999A9999999", "S9999999A9999998").replace(
        "nhsMHSRetries: 3", "nhsMHSRetries: 5"
    )
    (said,) = faults_of(f"{CONTRACT}\n{other}")
    assert said.startswith(f"line {CONTRACT.count(chr(10)) + 2}: ")
    assert "RCMR_IN010000UK05 is also in the entry of line 1: leave one" in said


def test_what_an_entry_stands_under_must_be_there(store: MemoryStore) -> None:
    (said,) = faults_of(f"{PERSON}\n{ROLE_PROFILE}")
    assert "uniqueIdentifier=555000000002,uid=555000000003" in said
    assert "is neither in this file nor in the store: add its entry" in said

    imported(store, f"{PERSON}\n{MEMBERSHIP}")
    assert faults_of(ROLE_PROFILE, store) == []


def test_what_was_taken_out_is_not_there_to_stand_under(store: MemoryStore) -> None:
    imported(store, f"{PERSON}\n{MEMBERSHIP}")
    gone = MEMBERSHIP.partition("\n")[0] + "\nchangetype: delete\n\n"

    (said,) = faults_of(f"{gone}{ROLE_PROFILE}", store)
    assert "is neither in this file nor in the store: add its entry" in said
    imported(store, gone)
    (said,) = faults_of(ROLE_PROFILE, store)
    assert "is neither in this file nor in the store: add its entry" in said


@pytest.mark.parametrize(
    ("before", "now"),
    [("RCMR_IN010000UK05", "RCMR_IN030000UK06"), ("A12345-0000001", "B12345-0000001")],
)
def test_an_entry_that_is_imported_again_is_one_entry_whatever_it_says(
    store: MemoryStore, before: str, now: str
) -> None:
    imported(store, WHOLE)

    imported(store, CONTRACT.replace(before, now))

    (row,) = exporting.rows(store, BUCKETS[Kind.CONTRACT])
    assert isinstance(row, ContractProperties)
    assert now in key_of(row)
    assert faults_of(exported(store)) == []
    assert list(standing.faults(store)) == []
    assert directory_of(store).party_of(["mhs.hill.example.test"]) == row.party_key


def test_entries_may_exchange_what_they_are_for(store: MemoryStore) -> None:
    other = CONTRACT.replace("S9999999A9999999", "S9999999A9999998").replace(
        "RCMR_IN010000UK05", "RCMR_IN030000UK06"
    )
    exchanged = f"{CONTRACT}\n{other}".replace("S9999999A9999999", "S1")
    exchanged = exchanged.replace("S9999999A9999998", "S9999999A9999999")
    imported(store, f"{CONTRACT}\n{other}")

    imported(store, exchanged.replace("S1", "S9999999A9999998"))

    rows = exporting.rows(store, BUCKETS[Kind.CONTRACT])
    said = {one.interaction: one.identifier for one in rows if isinstance(one, ContractProperties)}
    assert said == {
        "RCMR_IN010000UK05": "S9999999A9999998",
        "RCMR_IN030000UK06": "S9999999A9999999",
    }


def test_a_key_that_differs_from_one_of_the_store_by_case_alone_is_a_slip(
    store: MemoryStore,
) -> None:
    imported(store, ORGANISATION)
    (said,) = faults_of(ORGANISATION.replace("A12345", "a12345"), store)
    assert said == (
        "line 1: organisation a12345 is A12345 in the store, since names have no case: write it as "
        "that is written, or remove that first"
    )


def test_a_table_with_two_entries_of_one_name_is_not_right(store: MemoryStore) -> None:
    rows = [Organisation("A12345", "Hill"), Organisation("a12345", "Hill")]
    list_rows(store, rows, at="2026-01-01T00:00:00", import_id="1")
    assert list(standing.faults(store)) == ["A12345 and a12345 are one name to clients: remove one"]


def test_an_export_goes_through_what_is_no_file_and_where_a_link_leads(tmp_path: Path) -> None:
    config = ("--config", str(made_folder(tmp_path / "data")))
    whole = done("directory", "export", *config, "--ldif")
    file, link, pipe = (tmp_path / f"{name}.ldif" for name in ("file", "link", "pipe"))
    file.write_text("before")
    link.symlink_to(file)
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(pipe.read_text)
        done("directory", "export", *config, str(pipe))
        assert read.result(timeout=10) == whole
    done("directory", "export", *config, str(link))

    assert pipe.is_fifo()
    assert link.is_symlink()
    assert file.read_text() == whole


def test_a_full_folder_of_temporary_files_is_named_as_what_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ("--config", str(made_folder(tmp_path / "data")))
    (tmp_path / "whole.ldif").write_text(WHOLE)
    folder = tmp_path / "temporary"
    folder.mkdir()
    (folder / "Organisation").symlink_to("/dev/full")
    monkeypatch.setattr(
        tempfile, "TemporaryDirectory", lambda **_: contextlib.nullcontext(str(folder))
    )

    result = run("directory", "import", *config, str(tmp_path / "whole.ldif"))

    assert result.stderr == (
        f"spine: temporary files cannot be written ({folder}: No space left on device): make room "
        "there, or name another folder in TMPDIR\n"
    )
    assert result.exit_code == 1


def test_a_party_key_in_two_spellings_is_noted(store: MemoryStore) -> None:
    text = f"{CONTRACT}\n{SYSTEM}".replace("A12345-0000001", "a12345-0000001", 1)
    (said,) = imported(store, text).notes
    assert said.startswith("a12345-0000001 and A12345-0000001 are one party to clients, and two")


def test_what_follows_from_a_fault_is_not_another() -> None:
    text = CONTRACT.replace("PT90S", "P53W").replace("nhsMHSPersistDuration: P1DT4H10M\n", "")
    (said,) = faults_of(text)
    assert "nhsMHSRetryInterval = P53W is longer than 366 days" in said


def test_a_systems_party_key_is_no_longer_than_what_is_looked_up() -> None:
    assert faults_of(SYSTEM.replace("A12345-0000001", "K" * 255)) == []
    (said,) = faults_of(SYSTEM.replace("A12345-0000001", "K" * 256))
    assert "nhsMHSPartyKey has more than 255 characters: shorten it" in said


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{WHOLE}",
        WHOLE.replace("\n", "\r\n"),
        WHOLE.replace("version: 1\n\n", "version: 1\n"),
        f"# extended LDIF\n#\n\n{WHOLE}\n# search result\nsearch: 2\nresult: 0 Success\n\n# n: 1\n",
        WHOLE.replace("nhsMHSRetries: 3", "nhsMHSRetries:3"),
        WHOLE.replace("\ndn: ", "\n\n\nDN:   "),
        f"dn: o=nhs\nobjectClass: organization\no: nhs\n\n{WHOLE}",
    ],
)
def test_files_as_tools_write_them_are_read(text: str, store: MemoryStore) -> None:
    assert len(imported(store, text).lines) == 12
    assert len(entries_in(exported(store))) == 6


def test_changes_to_parts_of_an_entry_are_refused() -> None:
    text = "dn: o=nhs\nchangetype: modify\nreplace: o\no: x\n"
    (said,) = faults_of(text)
    assert said.startswith("line 2: changetype 'modify' is not done here: write the whole entry")


def test_a_host_that_several_parties_share_proves_none_of_them(store: MemoryStore) -> None:
    other = CONTRACT.replace("S9999999A9999999", "S9999999A9999998").replace(
        "A12345-0000001", "B1-0000001"
    )
    checked = imported(store, f"{CONTRACT}\n{other}")

    assert directory_of(store).party_of(["mhs.hill.example.test"]) is None
    (note,) = checked.notes
    assert note.startswith("mhs.hill.example.test is the nhsMhsFQDN of 2 parties: it proves none")


def test_a_deleted_entry_is_gone_and_its_name_proves_nobody(store: MemoryStore) -> None:
    imported(store, WHOLE)

    imported(store, "dn: uniqueIdentifier=S9999999A9999999,ou=services,o=nhs\nchangetype: delete\n")

    directory = directory_of(store)
    service = "urn:nhs:names:services:gp2gp"
    assert directory.contract(KEY, service, "RCMR_IN010000UK05") is None
    assert directory.party_of(["mhs.hill.example.test"]) is None
    assert "uniqueidentifier=s9999999a9999999,ou=services,o=nhs" not in entries_in(exported(store))


def test_a_party_that_runs_systems_for_others_is_of_its_own_organisation(
    store: MemoryStore,
) -> None:
    imported(store, SYSTEM.replace("A12345-0000001", "YGM24-820388"))

    party = directory_of(store).party(PartyKey("YGM24-820388"))
    assert party is not None
    assert (party.organisation, party.asids) == ("YGM24", ("100000000001",))


def test_a_derived_party_goes_with_the_last_that_told_of_it(store: MemoryStore) -> None:
    imported(store, WHOLE)
    names = ("uniqueIdentifier=S9999999A9999999", "uniqueIdentifier=100000000001")

    imported(
        store, "\n".join(f"dn: {one},ou=services,o=nhs\nchangetype: delete\n" for one in names)
    )

    assert directory_of(store).party(KEY) is None
    assert list(standing.faults(store)) == []


def test_what_is_not_there_cannot_be_deleted(store: MemoryStore) -> None:
    (said,) = faults_of("dn: uid=1,ou=people,o=nhs\nchangetype: delete\n", store)
    assert said == (
        "line 1: uid=1,ou=people,o=nhs is not in the directory, so it cannot be deleted: "
        "take it out here"
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return made_folder(tmp_path / "data")


def test_the_commands_take_and_give_both_formats(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    source = tmp_path / "table.ldif"
    source.write_text(WHOLE)

    checked = done("directory", "check", *config, str(source))
    assert checked.endswith("organisations: 1, contracts: 1, parties: 1, systems: 1\n")
    assert run("directory", "show", *config, "A12345").exit_code == 1
    said = done("directory", "import", *config, str(source))
    assert said.endswith(
        "people: 1, memberships: 1, role profiles: 1, organisations: 1, contracts: 1, "
        "parties: 1, systems: 1\n"
    )
    for name in ("out.ldif", "out.toml"):
        done("directory", "export", *config, str(tmp_path / name))
        done("directory", "check", *config, str(tmp_path / name))
    assert done("directory", "export", *config, "--ldif") == (tmp_path / "out.ldif").read_text()
    assert done("directory", "check", *config) == "the directory is right\n"


def test_entries_are_listed_by_filters_page_by_page(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    source = tmp_path / "table.ldif"
    source.write_text(WHOLE)
    done("directory", "import", *config, str(source))

    by_party = done("directory", "list", *config, "--party", "a12345-0000001")
    assert [line.split("  ")[0] for line in by_party.splitlines()] == [
        "100000000001",
        "A12345-0000001|urn:nhs:names:services:gp2gp:RCMR_IN010000UK05",
    ]
    named = done("directory", "list", *config, "--kind", "organisation", "--name", "hill")
    assert named == "A12345  Hill practice\n"
    first = done("directory", "list", *config, "--kind", "system", "--limit", "1")
    assert first.startswith("100000000001  Hill records")
    rest = done("directory", "list", *config, "--kind", "system", "--after", "100000000001")
    assert [line.split("  ")[0] for line in rest.splitlines()] == ["990000000001", "990000000002"]
    wrong = run("directory", "list", *config, "--interaction", "RCMR_IN010000UK05")
    assert wrong.exit_code == 2
    assert "write it as service:interaction" in wrong.stderr


def test_an_entry_is_shown_by_key_and_by_dn(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    source = tmp_path / "table.ldif"
    source.write_text(WHOLE)
    done("directory", "import", *config, str(source))

    shown = done(
        "directory", "show", *config, "uniqueIdentifier=S9999999A9999999,ou=services,o=nhs"
    )
    assert shown == done("directory", "show", *config, "S9999999A9999999")
    assert "attribute     nhsMHSServiceDescription: Hill é\n" in shown
    assert told("directory", "show", *config, "555000000001")["job_role_code"] == (
        "S8000:G8000:R8000"
    )


def test_an_entry_is_taken_out_unless_others_need_it(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    source = tmp_path / "table.ldif"
    source.write_text(WHOLE)
    done("directory", "import", *config, str(source))

    refused = run("directory", "remove", *config, "555000000003")
    assert refused.exit_code == 2
    assert "555000000003 cannot be taken out while 555000000002 needs it" in refused.stderr
    assert done("directory", "remove", *config, "100000000001") == "taken out: 1\n"
    assert run("directory", "show", *config, "100000000001").exit_code == 1
    assert told("directory", "show", *config, KEY)["asids"] == []


def test_a_suffix_that_says_nothing_is_asked_about(file: Path, tmp_path: Path) -> None:
    source = tmp_path / "table.txt"
    source.write_text(WHOLE)
    wrong = run("directory", "import", "--config", str(file), str(source))
    assert wrong.exit_code == 2
    assert "say --format ldif or --format toml" in wrong.stderr
    done("directory", "import", "--config", str(file), "--format", "ldif", str(source))


def test_an_attribute_that_contradicts_its_table_is_named(tmp_path: Path) -> None:
    file = tmp_path / "table.toml"
    file.write_text(
        """
        [party.A12345-0000001]
        name = "Hill"
        certificate_names = []
        [[contract]]
        party = "A12345-0000001"
        service = "urn:x:y"
        interactions = ["ASK"]
        cpa_id = "S1"
        retries = 3
        attributes = { nhsMHSRetries = "2", nhsMHSIsAuthenticated = "transient" }
        """
    )
    with pytest.raises(listing.ListingError) as refused:
        listing.read(file)
    assert refused.value.faults == (
        "[[contract]] 1: attributes say otherwise than retries = 3: correct one",
    )
