"""Backup while serving, and restore: all or nothing, and the audit still proven."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
import threading
import zipfile
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from asking import details_of
from commanding import config_of, done, made_folder, run, told
from msgspec.structs import replace
from riak_server import RiakServer
from serving import core_on
from wire_requests import request

import core
from adapters import pipeline
from core import audit, directory
from core.context import system_context
from core.demographics import records
from core.demographics.claiming import Claims
from core.demographics.creation import NOT_YET, AllocateNumber, Creating, allocate
from core.demographics.numbers import Numbers
from core.demographics.records import Policy
from core.demographics.updates import Changing
from core.errors import StoreError
from core.messaging.sharing import SHARING
from core.store.memory import MemoryStore
from core.store.port import Bucket, Document, Documents, Store
from core.values.demographics import Name, Patient
from facade.config import Config
from facade.wiring import open_store
from operations import backup, copying, loading, patients
from operations.setup import SAMPLE_CLIENT

PATIENT = next(patients.population(1, 2014))
NOW = datetime(2014, 8, 25, 9, 30, tzinfo=UTC)


def quiet(_stage: str, _done: int, _whole: int) -> None:
    """Show nothing."""


def ask(store: Store, times: int) -> None:
    """Have a patient retrieved by a process of its own, so that the audit has entries."""
    context = system_context()
    chain = audit.Audit(store, writer=context.new_id(), now=lambda: context.now().isoformat())
    core = replace(core_on(store, context), audit=chain)
    for _ in range(times):
        asked = pipeline.Request(
            request("QUPA_IN000008UK02", details_of(PATIENT)), None, None, (SAMPLE_CLIENT,)
        )
        assert pipeline.answer(asked, core, context).outcome == "AA"
    core.end()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the configuration of a folder with patients, one of whom was looked at."""
    file = made_folder(tmp_path / "data", patients=20)
    with closing(open_store(config_of(file))) as store:
        ask(store, 3)
    return file


def everything(store: Store) -> dict[tuple[str, str], object]:
    """Give all that a store holds."""
    found: dict[tuple[str, str], object] = {}
    for bucket in copying.BUCKETS:
        found.update({(bucket.name, key): store.record(bucket, key) for key in store.keys(bucket)})
    pages = store.keys(audit.PAGES)
    found.update({("audit", key): store.document(audit.PAGES, key) for key in pages})
    return found


def in_store(file: Path) -> dict[tuple[str, str], object]:
    with closing(open_store(config_of(file))) as store:
        return everything(store)


def test_every_kind_that_the_core_keeps_is_copied() -> None:
    kept = {
        value.name
        for module in modules_of_core()
        for value in vars(module).values()
        if isinstance(value, Bucket | Documents)
    }
    assert kept - {SHARING.name} == {kind.name for kind in copying.KINDS}


def modules_of_core() -> Iterable[ModuleType]:
    for found in pkgutil.walk_packages(core.__path__, "core."):
        if not found.name.startswith("core.store"):
            yield importlib.import_module(found.name)


def test_what_was_backed_up_is_there_after_a_restore(file: Path, tmp_path: Path) -> None:
    before = in_store(file)

    held = told("backup", "--config", str(file), str(tmp_path / "b.zip"))
    fresh = made_folder(tmp_path / "fresh")
    (fresh.parent / "spine.db").unlink()
    restored = told("restore", "--config", str(fresh), str(tmp_path / "b.zip"))

    assert in_store(fresh) == before
    assert held["counts"]["patient"] == 20
    assert held["audit_entries"] == 3
    assert {**restored, "put_aside": None} == held
    assert "breaks: 0" in done("check", "--audit", "--config", str(fresh))
    looked = ("audit", "--nhs-number", PATIENT.nhs_number)
    assert told(*looked, "--config", str(fresh)) == told(*looked, "--config", str(file))


def test_a_backup_is_for_its_owners_eyes_and_is_never_overwritten(
    file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "b.zip"
    done("backup", "--config", str(file), str(target))
    whole = target.read_bytes()

    again = run("backup", "--config", str(file), str(target))

    assert target.stat().st_mode & 0o077 == 0
    assert again.exit_code == 1
    assert "is there already" in again.stderr
    assert target.read_bytes() == whole
    assert {path.name for path in tmp_path.iterdir()} == {"data", "b.zip"}


def test_a_backup_beside_writers_is_of_one_moment(file: Path, tmp_path: Path) -> None:
    with closing(open_store(config_of(file))) as store:
        stopped = threading.Event()

        def write() -> None:
            while not stopped.is_set():
                ask(store, 1)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            held = [
                told("backup", "--config", str(file), str(tmp_path / f"{number}.zip"))
                for number in range(3)
            ]
        finally:
            stopped.set()
            writer.join()

    assert [one["audit_breaks"] for one in held] == [[], [], []]
    entries = [one["audit_entries"] for one in held]
    assert entries == sorted(entries)
    done("restore", "--replace", "--config", str(file), str(tmp_path / "1.zip"))
    proven = told("check", "--audit", "--config", str(file))["audit"]
    assert (proven["entries"], proven["breaks"]) == (entries[1], [])


def test_a_store_that_has_data_is_refused_and_left_alone(file: Path, tmp_path: Path) -> None:
    done("backup", "--config", str(file), str(tmp_path / "b.zip"))
    other = made_folder(tmp_path / "other", patients=3)
    before = in_store(other)

    refused = run("restore", "--config", str(other), str(tmp_path / "b.zip"))

    assert refused.exit_code == 1
    assert "has data: give --replace" in refused.stderr
    assert in_store(other) == before


def test_a_store_that_is_replaced_is_kept(file: Path, tmp_path: Path) -> None:
    done("backup", "--config", str(file), str(tmp_path / "b.zip"))
    other = made_folder(tmp_path / "other", patients=3)
    before = in_store(other)

    restored = told("restore", "--replace", "--config", str(other), str(tmp_path / "b.zip"))

    assert in_store(other) == in_store(file)
    assert Path(restored["put_aside"]).parent == other.parent
    Path(restored["put_aside"]).replace(other.parent / "spine.db")
    assert in_store(other) == before


def test_a_restored_store_is_as_private_as_the_one_before_it(file: Path, tmp_path: Path) -> None:
    restore = ("restore", "--replace", "--config", str(file), str(tmp_path / "b.zip"))
    store = file.parent / "spine.db"
    done("backup", "--config", str(file), str(tmp_path / "b.zip"))

    store.chmod(0o640)
    done(*restore)
    replaced = store.stat().st_mode & 0o777
    store.unlink()
    done(*restore)

    assert (replaced, store.stat().st_mode & 0o777) == (0o640, 0o600)


def test_a_store_in_use_is_not_replaced(file: Path, tmp_path: Path) -> None:
    done("backup", "--config", str(file), str(tmp_path / "b.zip"))
    with closing(open_store(config_of(file))) as used:
        used.ready()

        refused = run("restore", "--replace", "--config", str(file), str(tmp_path / "b.zip"))

    assert refused.exit_code == 1
    assert "is in use: stop `spine serve` first" in refused.stderr
    assert sorted(path.name for path in file.parent.glob("*.replaced*")) == []


def test_a_damaged_store_can_be_replaced(file: Path, tmp_path: Path) -> None:
    before = in_store(file)
    done("backup", "--config", str(file), str(tmp_path / "b.zip"))
    (file.parent / "spine.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    refused = run("restore", "--config", str(file), str(tmp_path / "b.zip"))

    done("restore", "--replace", "--config", str(file), str(tmp_path / "b.zip"))

    assert refused.exit_code == 1
    assert len(refused.stderr.splitlines()) == 1
    assert in_store(file) == before


def given(file: Path, message: str) -> str:
    """Give the number that a process of its own gives for a message."""
    context = system_context()
    with closing(open_store(config_of(file))) as store:
        changing = Changing(Claims(store, store.apply), NOW, Policy(), lambda _code: True)
        numbers = Numbers(writer=context.new_id())
        process = Creating(context.new_id, numbers, changing, store.apply)
        child = Patient(NOT_YET, gender="9", birth_time="20140219", names=(Name(family="FRESH"),))
        return allocate(AllocateNumber(message, "990000000001", child), process).patient.nhs_number


def test_numbers_given_after_a_backup_are_not_given_again_by_what_replaces_the_store(
    file: Path, tmp_path: Path
) -> None:
    first = given(file, "m1")
    done("backup", "--config", str(file), str(tmp_path / "b.zip"))
    lost = [given(file, f"m{n}") for n in (2, 3)]

    said = done("restore", "--replace", "--config", str(file), str(tmp_path / "b.zip"))

    assert "claimed after the backup, which stay claimed: 2" in said
    again = [given(file, f"m{n}") for n in (2, 3, 4)]
    assert len({number[:6] for number in (first, *lost, *again)}) == 6, "no range is used again"


def test_where_no_store_can_be_asked_what_it_gave_the_operator_is_told_to_name_another_span(
    file: Path, tmp_path: Path
) -> None:
    given(file, "m1")
    done("backup", "--config", str(file), str(tmp_path / "b.zip"))
    store = file.parent / "spine.db"

    store.write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    damaged = done("restore", "--replace", "--config", str(file), str(tmp_path / "b.zip"))
    store.unlink()
    lost = done("restore", "--config", str(file), str(tmp_path / "b.zip"))

    for said in (damaged, lost):
        assert "name a span in demographics.number_pool that was not in use" in said


def changed_label(file: Path, target: Path, old: bytes, new: bytes) -> Path:
    """Give a backup whose label says something else."""
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(target, "w") as changed:
        changed.writestr("store.db", source.read("store.db"))
        label = source.read("backup.json")
        assert old in label
        changed.writestr("backup.json", label.replace(old, new))
    return target


def changed_store(file: Path, target: Path, tmp_path: Path, statement: str) -> Path:
    """Give a backup whose records were changed after it was made."""
    database = tmp_path / "changed.db"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(target, "w") as changed:
        database.write_bytes(source.read("store.db"))
        with closing(sqlite3.connect(database)) as connection:
            connection.execute(statement)
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        changed.write(database, "store.db")
        changed.writestr("backup.json", source.read("backup.json"))
    return target


def damaged(tmp_path: Path, whole: Path) -> list[Path]:
    """Give every way in which a backup can be wrong."""
    content = whole.read_bytes()
    half = len(content) // 2
    files = {
        "empty.zip": b"",
        "cut.zip": content[:-100],
        "flipped.zip": content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :],
        "text.zip": b"this is no backup",
    }
    for name, wrong in files.items():
        (tmp_path / name).write_bytes(wrong)
    return [
        *(tmp_path / name for name in files),
        tmp_path / "absent.zip",
        changed_label(whole, tmp_path / "form.zip", b'"form": 1', b'"form": 9'),
        changed_label(whole, tmp_path / "count.zip", b'"patient": 20', b'"patient": 21'),
        changed_store(whole, tmp_path / "older.zip", tmp_path, "PRAGMA user_version = 99"),
        changed_store(
            whole,
            tmp_path / "tampered.zip",
            tmp_path,
            "UPDATE value SET value = CAST(REPLACE(CAST(value AS TEXT), 'Retrieve', 'Vetrieve') "
            "AS BLOB) WHERE kind = 'audit'",
        ),
    ]


def test_a_wrong_backup_is_refused_in_a_line_and_nothing_changes(
    file: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "b.zip"
    done("backup", "--config", str(file), str(whole))
    before = in_store(file)

    for wrong in damaged(tmp_path, whole):
        refused = run("restore", "--replace", "--config", str(file), str(wrong))

        assert refused.exit_code == 1, wrong
        assert len(refused.stderr.splitlines()) == 1, wrong
        assert str(wrong) in refused.stderr
        assert in_store(file) == before, wrong
    assert sorted(path.name for path in file.parent.glob("*.replaced*")) == []
    assert sorted(path.name for path in file.parent.glob(".spine-backup*")) == []


def test_a_broken_audit_is_carried_and_said(file: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(file.parent / "spine.db")) as connection:
        connection.execute("DELETE FROM value WHERE kind = 'audit' AND key LIKE '%.000000001'")
        connection.commit()

    made = run("backup", "--config", str(file), str(tmp_path / "b.zip"))
    restored = run("restore", "--replace", "--config", str(file), str(tmp_path / "b.zip"))

    assert (made.exit_code, restored.exit_code) == (0, 0)
    assert "ended at page 2, not here" in made.stderr
    assert "ended at page 2, not here" in restored.stderr


def test_a_folder_without_store_is_not_backed_up(file: Path, tmp_path: Path) -> None:
    (file.parent / "spine.db").unlink()

    refused = run("backup", "--config", str(file), str(tmp_path / "b.zip"))

    assert refused.exit_code == 1
    assert "there is no store" in refused.stderr
    assert not (file.parent / "spine.db").exists()
    assert not (tmp_path / "b.zip").exists()


def test_a_folder_that_is_not_there_is_one_line(file: Path, tmp_path: Path) -> None:
    refused = run("backup", "--config", str(file), str(tmp_path / "gone/b.zip"))
    assert refused.exit_code == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "check that" in refused.stderr


def test_a_store_in_memory_is_not_backed_up(file: Path, tmp_path: Path) -> None:
    arguments = ("backup", "--config", str(file), str(tmp_path / "b.zip"))
    refused = run(*arguments, SPINE_STORE_URL="memory:")
    assert refused.exit_code == 1
    assert "keeps nothing" in refused.stderr


class Cluster:
    """What the commands see of a cluster: a store that lives elsewhere, and cannot copy itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = MemoryStore()

        def opened(config: Config) -> Store:
            return self.store if config.store_url.startswith("riak") else open_store(config)

        monkeypatch.setattr("operations.backup.open_store", opened)
        monkeypatch.setattr("operations.cli.opening.open_store", opened)


URL = "riak://a.spine.test:8087"


def test_a_cluster_is_backed_up_key_by_key_and_restored_into_an_embedded_store(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(monkeypatch)
    loading.load(
        cluster.store, patients.population(30, 1), source="test", at="2014", progress=lambda _: None
    )
    loading.load(cluster.store, [PATIENT], source="test", at="2014", progress=lambda _: None)
    ask(cluster.store, 4)

    done("backup", "--config", str(file), str(tmp_path / "b.zip"), SPINE_STORE_URL=URL)
    done("restore", "--replace", "--config", str(file), str(tmp_path / "b.zip"))

    assert in_store(file) == everything(cluster.store)


def test_a_backup_fills_an_empty_cluster_and_no_other(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(monkeypatch)
    done("backup", "--config", str(file), str(tmp_path / "b.zip"))
    restore = ("restore", "--config", str(file), str(tmp_path / "b.zip"))

    done(*restore, SPINE_STORE_URL=URL)
    again = run(*restore, "--replace", SPINE_STORE_URL=URL)

    assert everything(cluster.store) == in_store(file)
    assert audit.prove(cluster.store).breaks == []
    assert again.exit_code == 1
    assert "a cluster cannot be put aside" in again.stderr


def test_records_go_over_the_wire_of_riak_and_come_back_the_same(
    file: Path, tmp_path: Path
) -> None:
    node = RiakServer()
    url = "riak://{}:{}".format(*node.address)
    fresh = made_folder(tmp_path / "fresh", patients=1)
    try:
        done("backup", "--config", str(file), str(tmp_path / "there.zip"))
        there = ("--config", str(fresh), str(tmp_path / "there.zip"))
        done("restore", *there, SPINE_STORE_URL=url)
        back = ("--config", str(fresh), str(tmp_path / "back.zip"))
        done("backup", *back, SPINE_STORE_URL=url)
        done("restore", "--replace", *back)
    finally:
        node.down()

    assert in_store(fresh) == in_store(file)


class Failing(MemoryStore):
    """A cluster that goes away after some writes."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.writes = writes

    def write_once(self, documents: Documents, document: Document) -> None:
        """Write until it is time to go away."""
        self.writes -= 1
        self.away = self.writes < 0
        super().write_once(documents, document)


def test_a_restore_that_was_interrupted_is_finished_by_another(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(monkeypatch)
    cluster.store = failing = Failing(writes=2)
    done("backup", "--config", str(file), str(tmp_path / "b.zip"))
    restore = ("restore", "--config", str(file), str(tmp_path / "b.zip"))

    broken = run(*restore, SPINE_STORE_URL=URL)
    failing.away, failing.writes = False, 1000
    assert list(failing.keys(directory.PARTIES)) == []
    assert list(failing.keys(records.PATIENTS)) == []
    done(*restore, SPINE_STORE_URL=URL)

    assert broken.exit_code == 1
    assert len(broken.stderr.splitlines()) == 1
    assert everything(failing) == in_store(file)


def test_a_disk_without_room_leaves_nothing_behind(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "b.zip"))

    monkeypatch.setattr("operations.archive._pour", full)

    refused = run("backup", "--config", str(file), str(tmp_path / "b.zip"))

    assert refused.exit_code == 1
    assert "No space left on device" in refused.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_progress_is_told_by_stage(file: Path, tmp_path: Path) -> None:
    seen: list[str] = []
    config = config_of(file)
    with closing(open_store(config)) as store:
        backup.make(
            config,
            store,
            tmp_path / "b.zip",
            made=("id", "2014"),
            progress=lambda stage, _done, _whole: seen.append(stage),
        )
    assert list(dict.fromkeys(seen)) == ["Copying", "Packing"]


def test_a_cluster_that_lists_what_it_lost_is_not_backed_up_in_silence() -> None:
    class Losing(MemoryStore):
        def keys(self, kind: Bucket[Any, Any] | Documents) -> list[str]:
            """Name a patient that is not there."""
            return ["9990000018"] if kind is records.PATIENTS else []

    with pytest.raises(StoreError):
        copying.copy(Losing(), MemoryStore(), quiet)
