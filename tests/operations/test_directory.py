"""`spine directory`: an operator's parties, systems and contracts, in and out."""

from __future__ import annotations

import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commanding import config_of, done, made_folder, run, told

from core.store.memory import MemoryStore
from facade.wiring import open_store
from legacy_contracts import registry
from operations import listing, setup

LISTING = """
[party.A12345-0000001]
name = "Hill practice"
certificate_names = ["hill.example.test", "old.example.test"]

[system.100000000001]
name = "Hill records"
party = "A12345-0000001"
interactions = ["QUPA_IN000008UK02"]

[system.100000000002]
name = "Hill front desk"
party = "A12345-0000001"
interactions = ["*"]
"""

WRONG = """
[party.A12345-0000001]
name = ""
certificate_names = "hill.example.test"
colour = "red"

[party.B12345-0000001]
name = "Dale"
certificate_names = ["DALE.example.test"]

[party.C12345-0000001]
name = "Vale"
certificate_names = ["dale.example.test"]

[system.1]
name = "Hill records"
party = "Z12345-0000001"
interactions = ["QUPA_IN999999UK99"]

[systems.100000000002]
name = "x"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return made_folder(tmp_path / "data")


def written(tmp_path: Path, content: str) -> str:
    path = tmp_path / "parties.toml"
    path.write_text(content)
    return str(path)


def test_what_is_imported_is_listed_beside_what_was_there(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))

    said = done("directory", "import", *config, written(tmp_path, LISTING))

    assert said.endswith("organisations: 0, contracts: 0, parties: 1, systems: 2\n")
    shown = done("directory", "list", *config)
    assert "A12345-0000001  Hill practice  hill.example.test, old.example.test\n" in shown
    assert "  100000000001  Hill records  1 interactions\n" in shown
    assert f"  100000000002  Hill front desk  {len(registry.ACTIVITIES)} interactions\n" in shown
    assert "T99999-9900001  Sample practice" in shown
    listed = told("directory", "list", *config)
    assert [party["party_key"] for party in listed["parties"]] == [
        "A12345-0000001",
        "T99998-9900002",
        "T99999-9900001",
        "YES-0000806",
    ]
    assert [system["asid"] for system in listed["systems"]] == [
        "100000000001",
        "100000000002",
        "990000000001",
        "990000000002",
    ]


def test_one_entry_is_shown_by_party_key_or_asid(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, LISTING))

    party = done("directory", "show", *config, "A12345-0000001")
    system = done("directory", "show", *config, "100000000001")
    absent = run("directory", "show", *config, "100000000009")

    assert "certificate   hill.example.test" in party
    assert "system        100000000002" in party
    assert "interaction   QUPA_IN000008UK02" in system
    assert told("directory", "show", *config, "100000000001")["party_key"] == "A12345-0000001"
    assert absent.exit_code == 1
    assert absent.stderr == (
        "spine: 100000000009 is not in the directory: see `spine directory list`\n"
    )


def test_a_later_import_replaces_what_it_names(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, LISTING))

    done("directory", "import", *config, written(tmp_path, LISTING.replace("Hill", "Mount")))

    assert told("directory", "show", *config, "100000000001")["name"] == "Mount records"


def test_a_wrong_file_exits_2_with_every_fault_and_imports_nothing(
    file: Path, tmp_path: Path
) -> None:
    before = told("directory", "list", "--config", str(file))

    result = run("directory", "import", "--config", str(file), written(tmp_path, WRONG))

    assert result.exit_code == 2
    for what in (
        "[party.A12345-0000001]: name is missing",
        "[party.A12345-0000001]: certificate_names is missing",
        "[party.A12345-0000001]: colour is not known: remove it",
        "certificate name dale.example.test is of two parties: B12345-0000001, C12345-0000001",
        "[system.1]: an ASID has 12 digits",
        "[system.1]: party Z12345-0000001 is not in this file: add [party.Z12345-0000001]",
        "[system.1]: interaction QUPA_IN999999UK99 is not built here",
        "[systems] is not known: use [organisation.ODS], [party.KEY], [system.ASID], [[contract]]",
    ):
        assert f"spine: {what}" in result.stderr
    assert told("directory", "list", "--config", str(file)) == before


IDENTIFIED = """
[organisation.A12345]
name = "Hill practice"

[party.A12345-0000001]
name = "Hill practice"
certificate_names = []

[[contract]]
party = "A12345-0000001"
service = "urn:nhs:names:services:gp2gp"
interactions = ["RCMR_IN010000UK05"]
cpa_id = "S9999999A9999999"
identifier = "S9999999A9999999"
endpoint = "https://hill.example.test/"
"""


def test_a_contract_that_is_imported_again_for_another_interaction_is_the_same(
    file: Path, tmp_path: Path
) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, IDENTIFIED))

    other = IDENTIFIED.replace("RCMR_IN010000UK05", "RCMR_IN030000UK06")
    done("directory", "import", *config, written(tmp_path, other))

    contracts = told("directory", "show", *config, "A12345-0000001")["contracts"]
    assert [one["interaction"] for one in contracts] == ["RCMR_IN030000UK06"]
    assert done("directory", "check", *config) == "the directory is right\n"


def test_two_entries_of_one_name_are_refused_with_both(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    contract = IDENTIFIED[IDENTIFIED.index("[[contract]]") :]
    again = contract.replace("RCMR_IN010000UK05", "RCMR_IN030000UK06")
    other = '[organisation.a12345]\nname = "Hill"\n'

    result = run("directory", "import", *config, written(tmp_path, f"{IDENTIFIED}{again}{other}"))

    assert result.exit_code == 2
    organisations, contracts = result.stderr.splitlines()
    assert organisations == (
        "spine: A12345 and a12345 are one name, uniqueIdentifier=a12345,ou=organisations,o=nhs: "
        "leave one, or rename it"
    )
    assert contracts == (
        "spine: A12345-0000001|urn:nhs:names:services:gp2gp:RCMR_IN010000UK05 and "
        "A12345-0000001|urn:nhs:names:services:gp2gp:RCMR_IN030000UK06 are one name, "
        "uniqueIdentifier=S9999999A9999999,ou=services,o=nhs: leave one, or rename it"
    )
    done("directory", "import", *config, written(tmp_path, IDENTIFIED))
    refused = run("directory", "import", *config, written(tmp_path, other))
    assert "organisation a12345 is A12345 in the store" in refused.stderr


def test_a_system_that_went_to_another_party_is_shown_there_alone(
    file: Path, tmp_path: Path
) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, LISTING))
    moved = LISTING.replace("A12345-0000001", "B12345-0000001").replace("hill.e", "dale.e")

    done("directory", "import", *config, written(tmp_path, moved.replace("old.e", "new.e")))

    assert "system " not in done("directory", "show", *config, "A12345-0000001")
    assert "system        100000000001" in done("directory", "show", *config, "B12345-0000001")


def test_an_entry_that_is_named_twice_is_taken_out_once(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, IDENTIFIED))
    key = "A12345-0000001|urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"
    said = done("directory", "remove", *config, key, "S9999999A9999999")
    assert said == "taken out: 1\n"


def test_filters_that_no_entry_of_a_kind_has_are_refused(file: Path) -> None:
    asked = ("directory", "list", "--config", str(file), "--organisation", "A12345")
    refused = run(*asked, "--kind", "organisation")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "spine: no entry of --kind organisation has all that was asked for: leave a filter out\n"
    )


def test_a_party_that_was_taken_out_is_not_there(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, AGREED))
    contract = AGREED[AGREED.index("[[contract]]") :]
    listed = told("directory", "show", *config, "A12345-0000001")["contracts"]
    keys = [f"{one['party_key']}|{one['service']}:{one['interaction']}" for one in listed]
    done("directory", "remove", *config, "A12345-0000001", "100000000001", *keys)

    result = run("directory", "import", *config, written(tmp_path, contract))

    assert result.exit_code == 2
    assert "party A12345-0000001 is neither in this file nor in the store" in result.stderr


@pytest.mark.parametrize(
    "content", ["[party", 'party = "x"', "[party]\nA = 1", f"x = {'[' * 5000}"]
)
def test_what_is_no_listing_is_said_in_lines(file: Path, tmp_path: Path, content: str) -> None:
    result = run("directory", "import", "--config", str(file), written(tmp_path, content))
    assert result.exit_code == 2
    assert result.stderr.startswith("spine: ")


def test_a_file_that_is_not_there_is_one_line(file: Path, tmp_path: Path) -> None:
    result = run("directory", "import", "--config", str(file), str(tmp_path / "gone.toml"))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


AGREED = """
[organisation.A12345]
name = "Hill practice"

[party.A12345-0000001]
name = "Hill practice"
certificate_names = ["hill.example.test"]
organisation = "A12345"
endpoint = "https://mhs.hill.example.test:4433/in"
acknowledgments = "posted"

[system.100000000001]
name = "Hill records"
party = "A12345-0000001"
interactions = ["*"]

[[contract]]
party = "A12345-0000001"
service = "urn:nhs:names:services:gp2gp"
interactions = ["RCMR_IN010000UK05", "COPC_IN000001UK01"]
cpa_id = "S9999999A9999999"
endpoint = "https://other.hill.example.test/"
ack_requested = "always"
duplicate_elimination = "never"
sync_reply = "None"
actor = "urn:oasis:names:tc:ebxml-msg:actor:nextMSH"
retries = 3
retry_interval = "PT1M30S"
persist_duration = "P1DT4H10M"
ordered = true

[[contract]]
party = "A12345-0000001"
service = "urn:nhs:names:services:alerts"
interactions = ["MCCI_IN010000UK13"]
cpa_id = "S9999999A9999998"
"""


def test_a_contract_is_kept_as_the_file_says_it(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))

    said = done("directory", "import", *config, written(tmp_path, AGREED))

    assert said.endswith("organisations: 1, contracts: 3, parties: 1, systems: 1\n")
    party = told("directory", "show", *config, "A12345-0000001")
    assert party["acknowledgments"] == "posted"
    assert party["endpoint"] == "https://mhs.hill.example.test:4433/in"
    kept = {(one["service"], one["interaction"]): one for one in party["contracts"]}
    assert len(kept) == 3
    assert kept["urn:nhs:names:services:gp2gp", "COPC_IN000001UK01"] == {
        "party_key": "A12345-0000001",
        "service": "urn:nhs:names:services:gp2gp",
        "interaction": "COPC_IN000001UK01",
        "cpa_id": "S9999999A9999999",
        "endpoint": "https://other.hill.example.test/",
        "ack_requested": True,
        "duplicate_elimination": False,
        "sync_reply": False,
        "actor": "nextMSH",
        "retries": 3,
        "retry_seconds": 90.0,
        "persist_seconds": 101400.0,
        "ordered": True,
    }


def test_what_a_contract_leaves_out_is_as_in_a_real_entry(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, AGREED))

    (kept,) = [
        one
        for one in told("directory", "show", *config, "A12345-0000001")["contracts"]
        if one["service"].endswith("alerts")
    ]

    expected = {"endpoint": "", "ack_requested": True, "duplicate_elimination": True}
    expected |= {"sync_reply": True, "actor": "toPartyMSH", "retries": 2, "ordered": False}
    expected |= {"retry_seconds": 60.0, "persist_seconds": 300.0}
    assert {key: kept[key] for key in expected} == expected


def test_contracts_and_organisations_are_shown_and_listed(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, AGREED))

    party = done("directory", "show", *config, "A12345-0000001")
    organisation = done("directory", "show", *config, "A12345")
    shown = done("directory", "list", *config)
    listed = told("directory", "list", *config)

    assert "organisation  A12345\n" in party
    assert "contract      urn:nhs:names:services:gp2gp RCMR_IN010000UK05  CPA S9999999A9" in party
    assert "ack always nextMSH" in party
    assert "retries 3 x 90 s  persist 101400 s  ordered" in party
    assert "party         A12345-0000001\n" in organisation
    assert told("directory", "show", *config, "A12345")["parties"] == ["A12345-0000001"]
    assert "A12345  Hill practice\n" in shown
    assert "  urn:nhs:names:services:gp2gp  2 contracts\n" in shown
    assert "A12345" in [one["ods_code"] for one in listed["organisations"]]
    assert [one["party_key"] for one in listed["contracts"]].count("A12345-0000001") == 3


def test_everything_is_what_is_answered_and_what_the_file_agrees_on(
    file: Path, tmp_path: Path
) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, AGREED))

    granted = told("directory", "show", *config, "100000000001")["activities"]

    agreed = ["RCMR_IN010000UK05", "COPC_IN000001UK01", "MCCI_IN010000UK13"]
    assert sorted(granted) == sorted({*registry.ACTIVITIES, *agreed})


def test_a_later_file_may_name_what_stands_in_the_store(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, AGREED))
    later = """
    [party.B12345-0000001]
    name = "Dale practice"
    certificate_names = []
    organisation = "A12345"

    [system.100000000003]
    name = "Dale records"
    party = "B12345-0000001"
    interactions = ["COPC_IN000001UK01"]

    [[contract]]
    party = "A12345-0000001"
    service = "urn:nhs:names:services:gp2gp"
    interactions = ["COPC_IN000001UK01"]
    cpa_id = "S9999999A9999997"
    """

    done("directory", "import", *config, written(tmp_path, later))

    organisation = told("directory", "show", *config, "A12345")
    assert organisation["parties"] == ["A12345-0000001", "B12345-0000001"]
    kept = told("directory", "show", *config, "A12345-0000001")["contracts"]
    assert sorted(one["cpa_id"][-4:] for one in kept) == ["9997", "9998", "9999"]
    assert told("directory", "show", *config, "100000000003")["activities"] == ["COPC_IN000001UK01"]


def faults_of(tmp_path: Path, content: str) -> tuple[str, ...]:
    """Give every fault of a file beside an empty store."""
    with pytest.raises(listing.ListingError) as refused:
        listing.read(Path(written(tmp_path, content)), MemoryStore())
    return refused.value.faults


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ('party = "A12345-0000001"\nservice', "service", 'party is missing: write party = "..."'),
        ("services:gp2gp", "services:gp2gp x", "is no full name: write"),
        ('"urn:nhs:names:services:gp2gp"', '"gp2gp"', "service 'gp2gp' is no full name"),
        ('"COPC_IN000001UK01"]', "7]", "interactions is missing"),
        ('"COPC_IN000001UK01"]', '"COPC IN"]', "'COPC IN' is no interaction: write its id"),
        ('"COPC_IN000001UK01"]', '"*"]', "'*' is no interaction: write its id"),
        ('"COPC_IN000001UK01"]', f'"{"C" * 250}"]', "have more than 255 characters"),
        ('["MCCI_IN010000UK13"]', "[]", "2: interactions is empty"),
        ('cpa_id = "S9999999A9999998"', "", "2: cpa_id is missing"),
        ("https://other", "http://other", "is not https"),
        ("https://other.hill.example.test/", "https:///in", "names no host"),
        ("https://other.hill.example.test/", "https://h:99999/", "is no URL"),
        ("https://other.hill.example.test/", "https://h:0/", "names no port"),
        ("https://other.hill.example.test/", "https://u:p@h/", "holds more than host"),
        ("https://other.hill.example.test/", "https://h/a b", "holds what no URL may hold"),
        ("https://other.hill.example.test/", "https://h/\\nHost: x", "no URL may hold"),
        ('"https://other.hill.example.test/"', "1", "endpoint is no text"),
        ('_requested = "always"', '_requested = "perhaps"', 'write "always" or "never"'),
        ('_elimination = "never"', "_elimination = true", "duplicate_elimination = True is not"),
        ('sync_reply = "None"', 'sync_reply = "ja"', "sync_reply = ja is not known"),
        ("actor:nextMSH", "actor:lastMSH", "actor:lastMSH is not known"),
        ("retries = 3", "retries = -1", "retries = -1 is no count: give one from 0 to 1000"),
        ("retries = 3", "retries = true", "retries = True is no count"),
        ("retries = 3", "retries = 1001", "retries = 1001 is no count"),
        ("PT1M30S", "90", "retry_interval = 90 is no duration"),
        ("PT1M30S", "PT", "retry_interval = PT is no duration"),
        ("PT1M30S", "P", "retry_interval = P is no duration"),
        ("PT1M30S", "P1M", "retry_interval = P1M is no duration"),
        ("PT1M30S", "-PT1M", "retry_interval = -PT1M is negative"),
        ('"PT1M30S"', "90", "retry_interval = 90 is no duration"),
        ("P1DT4H10M", "PT1M", "persist_duration (60 s) is shorter than retry_interval (90 s)"),
        ("P1DT4H10M", "PT0S", "persist_duration is zero"),
        ("P1DT4H10M", "P53W", "persist_duration = P53W is longer than 366 days"),
        ("P1DT4H10M", f"PT{'9' * 400}S", "is longer than 366 days"),
        ("ordered = true", "ordered = 1", "ordered = 1 is no yes or no"),
        ("ordered = true", "order = true", "[[contract]] 1: order is not known: remove it"),
        ('"RCMR_IN010000UK05"', '"COPC_IN000001UK01"', "is listed 2 times: leave one"),
        ('"posted"', '"sometimes"', "acknowledgments = sometimes is not known"),
        ("https://mhs", "ftp://mhs", "[party.A12345-0000001]: endpoint"),
        (
            "[organisation.A12345]",
            '[organisation.A-1]\nname = "x"\n[organisation.A12345]',
            "[organisation.A-1]: an ODS code has letters and digits only",
        ),
        ("[organisation.A12345]", "[organisation.B1]", "organisation A12345 is neither in"),
        ('name = "Hill practice"\n\n', "", "[organisation.A12345]: name is missing"),
        ("hill.example.test", "h" * 256, "has 1 to 255 characters"),
    ],
)
def test_each_fault_is_named_alone(tmp_path: Path, right: str, wrong: str, fault: str) -> None:
    assert right in AGREED
    (said,) = faults_of(tmp_path, AGREED.replace(right, wrong, 1))
    assert fault in said


def test_a_contract_with_a_party_that_is_nowhere_is_named_once(tmp_path: Path) -> None:
    changed = AGREED.replace('party = "A12345-0000001"\nservice', 'party = "Z-1"\nservice')
    assert faults_of(tmp_path, changed) == (
        "[[contract]]: party Z-1 is neither in this file nor in the store: add [party.Z-1]",
    )


def test_a_message_that_is_never_sent_again_needs_no_interval(tmp_path: Path) -> None:
    changed = AGREED.replace("retries = 3", "retries = 0").replace("P1DT4H10M", "PT1M")
    assert listing.read(Path(written(tmp_path, changed))).contracts[0].persist_seconds == 60


@pytest.mark.parametrize("content", ['contract = "x"', "contract = [1]", "[contract]\na = 1"])
def test_contracts_that_are_no_list_of_tables_are_named(tmp_path: Path, content: str) -> None:
    assert faults_of(tmp_path, content) == (
        "contract must be a list of tables: write [[contract]]",
    )


def test_the_sample_directory_is_whole_and_sends_everything_somewhere(file: Path) -> None:
    sample: Any = tomllib.loads(setup.DIRECTORY)
    with closing(open_store(config_of(file))) as store:
        parties = {one.party_key: one for one in listing.parties(store)}
        contracts = listing.contracts(store)

    assert set(parties) == set(sample["party"])
    agreed = {(one.party_key, one.service, one.interaction) for one in contracts}
    for row in registry.HUB_INTERACTIONS:
        service = f"urn:nhs:names:services:{row.service}"
        assert (setup.HUB_PARTY, service, row.interaction_id) in agreed
        for party in (setup.SAMPLE_PARTY, setup.SECOND_PARTY):
            assert {(party, service, answer) for answer in row.answers} <= agreed
    for one in contracts:
        assert one.party_key == setup.HUB_PARTY or parties[one.party_key].endpoint
    assert len({one.cpa_id for one in contracts}) == len(sample["contract"])
    assert parties[setup.HUB_PARTY].certificate_names == ()


def test_the_second_practice_has_a_certificate_of_its_own(file: Path) -> None:
    tls = file.parent / "tls"
    assert (tls / "second.pem").read_bytes() != (tls / "client.pem").read_bytes()
    assert (tls / "second.key").stat().st_mode & 0o777 == 0o600
