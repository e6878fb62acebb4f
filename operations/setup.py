"""`spine init`: a folder with a commented configuration, keys made here, and a first directory."""

from __future__ import annotations

import datetime as dt
import tempfile
from importlib import resources
from pathlib import Path
from typing import Final

from operations import certificates

SAMPLE_PARTY: Final = "T99999-9900001"
SAMPLE_ASID: Final = "990000000001"
SAMPLE_CLIENT: Final = "client.spine.test"
SPINE_ASID: Final = "990000000000"

DIRECTORY: Final = f"""\
# The directory: which parties there are (by the names in their certificates), which systems they
# run (by ASID), and which interactions each system may use. `spine directory import FILE` writes
# it into the store; entries not in the file stay as they are.

[party.{SAMPLE_PARTY}]
name = "Sample practice"
certificate_names = ["{SAMPLE_CLIENT}"]

[system.{SAMPLE_ASID}]
name = "Sample practice system"
party = "{SAMPLE_PARTY}"
# "*" is every interaction that this release answers.
interactions = ["*"]
"""


def make_folder(folder: Path, now: dt.datetime) -> list[Path]:
    """Make what is not there yet, and give what was made; nothing that exists is touched.

    The folder will hold records of patients: when it is made here, only its owner may enter it.
    What is made appears whole, so that a setup that was interrupted is finished by another.
    """
    made: list[Path] = []
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / "tls").exists():
        made += _make_keys(folder / "tls", now)
    template = resources.files("facade").joinpath("spine.toml").read_text(encoding="utf-8")
    for path, content in (
        (folder / "spine.toml", template),
        (folder / "directory.toml", DIRECTORY),
    ):
        if not path.exists():
            unfinished = path.with_name(f".{path.name}.new")
            unfinished.write_text(content, encoding="utf-8")
            unfinished.replace(path)
            made.append(path)
    return made


def _make_keys(tls: Path, now: dt.datetime) -> list[Path]:
    authority = certificates.make_authority("Spine facade local CA", now)
    valid = certificates.validity(now)
    server = certificates.issue(
        authority, "localhost", server=True, valid=valid, addresses=("127.0.0.1", "::1")
    )
    client = certificates.issue(authority, SAMPLE_CLIENT, server=False, valid=valid)
    files = {
        "ca.pem": certificates.certificate_pem(authority),
        "ca.key": certificates.key_pem(authority.key),
        "server.pem": server.certificate,
        "server.key": server.key,
        "client.pem": client.certificate,
        "client.key": client.key,
    }
    unfinished = Path(tempfile.mkdtemp(dir=tls.parent, prefix=".tls-"))
    for name, content in files.items():
        certificates.write_private(unfinished / name, content)
    unfinished.rename(tls)
    return [tls / name for name in files]
