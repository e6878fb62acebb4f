"""What a newcomer types first, and types again."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest
from commanding import commands, done, made_folder, run, told
from serving import Served

from operations import patients
from operations.cli import main


@pytest.mark.parametrize(
    ("path", "command"),
    commands(main),
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_every_command_explains_itself_with_an_example(
    path: tuple[str, ...], command: click.Command
) -> None:
    shown = done(*path, "--help")
    assert command.epilog is not None
    assert f"spine {' '.join(path)}" in command.epilog
    assert command.epilog in shown
    assert shown.startswith(f"Usage: spine {' '.join(path)}")


def test_a_folder_is_made_and_what_to_do_next_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    shown = done("init", str(folder))

    assert f"made {folder}/spine.toml" in shown
    assert f"imported {folder}/directory.toml" in shown
    assert f"spine serve --config {folder}/spine.toml" in shown
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "tls/server.key").stat().st_mode) == 0o600


def test_a_second_init_changes_nothing(tmp_path: Path) -> None:
    folder = made_folder(tmp_path / "data").parent
    before = content_of(folder)

    shown = done("init", str(folder))

    assert "nothing was changed" in shown
    assert "made " not in shown
    assert content_of(folder) == before


def test_an_operators_own_files_survive_init(tmp_path: Path) -> None:
    folder = made_folder(tmp_path / "data").parent
    own = (folder / "spine.toml").read_text() + 'level = "debug"\n'
    (folder / "spine.toml").write_text(own)
    (folder / "directory.toml").unlink()

    done("init", str(folder))

    assert (folder / "spine.toml").read_text() == own
    assert (folder / "directory.toml").is_file()


def test_loading_again_keeps_the_data(tmp_path: Path) -> None:
    file = made_folder(tmp_path / "data", patients=20)
    before = content_of(file.parent)["spine.db"]

    assert "20 synthetic patients" in done("load", "--config", str(file), "--patients", "20")

    assert content_of(file.parent)["spine.db"] == before


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = run("init", str(tmp_path / "file/data"))

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "cannot be made" in result.stderr


def test_a_wrong_configuration_exits_2_with_every_fault(tmp_path: Path) -> None:
    file = made_folder(tmp_path / "data")
    file.write_text(
        '[server]\nport = 99999\nporrt = 1\n[tls]\nca = "gone.pem"\n[store]\nurl = "mysql:x"\n'
    )

    for command in (("check",), ("serve",), ("send",), ("load",), ("directory", "list")):
        result = run(*command, "--config", str(file))

        assert result.exit_code == 2
        lines = result.stderr.splitlines()
        assert all(line.startswith("spine: ") for line in lines)
        for what in (
            "server.port",
            "server.porrt",
            "tls.ca",
            "tls.key",
            "tls.certificate",
            "store.url",
        ):
            assert any(what in line for line in lines), what


def test_sending_to_nobody_is_one_line_with_the_cure(tmp_path: Path) -> None:
    file = made_folder(tmp_path / "data")

    result = run("send", "--config", str(file), SPINE_SERVER_PORT="1")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("spine: no answer from localhost:1")
    assert result.stderr.endswith("is `spine serve` running?\n")


def test_a_client_of_the_operators_own_is_sent_as(served: Served) -> None:
    tls = served.folder / "tls"
    send = ("send", "--config", str(served.folder / "spine.toml"), "--host", "127.0.0.1")
    port = {"SPINE_SERVER_PORT": str(served.port)}
    mine = ("--client", str(tls / "client.pem"), str(tls / "client.key"))

    known = told(*send, *mine, **port)
    unknown = told(*send, *mine, "--asid", "100000000009", **port)
    absent = run(*send, "--client", str(tls / "gone.pem"), str(tls / "gone.key"), **port)

    assert 'acknowledgement typeCode="AA"' in known["body"]
    assert "Access Control Violation" in unknown["body"]
    assert absent.exit_code == 1
    assert "gone.pem: name a certificate and its key with --client" in absent.stderr


def test_a_server_of_another_authority_is_told_from_one_that_is_away(
    served: Served, tmp_path: Path
) -> None:
    other = made_folder(tmp_path / "other")

    result = run(
        "send", "--config", str(other), "--host", "127.0.0.1", SPINE_SERVER_PORT=str(served.port)
    )

    assert result.exit_code == 1
    assert "answers, and TLS fails" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_first_patient_is_the_one_that_the_help_names() -> None:
    assert next(iter(patients.numbers())) in (main.commands["send"].epilog or "")


def content_of(folder: Path) -> dict[str, bytes]:
    """Give every file but those in which SQLite and its turns come and go."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm", "-lock"))
    }


@pytest.mark.parametrize("words", [("--help",), ("interactions",)])
def test_output_that_cannot_be_written_is_said_in_one_line(words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "operations.cli", *words]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode
    assert "Traceback" not in ended.stderr
    assert ended.stderr.strip().splitlines()[-1].startswith("Error: ")
