"""`spine init`: a folder with a commented configuration, keys made here, and a first directory."""

from __future__ import annotations

import datetime as dt
import tempfile
from importlib import resources
from pathlib import Path
from typing import Final

from facade.config import NATIONAL_HUB
from operations import certificates

SAMPLE_PARTY: Final = "T99999-9900001"
SAMPLE_ASID: Final = "990000000001"
SAMPLE_CLIENT: Final = "client.spine.test"
SPINE_ASID: Final = "990000000000"

SECOND_PARTY: Final = "T99998-9900002"
SECOND_ASID: Final = "990000000002"
SECOND_CLIENT: Final = "second.spine.test"
HUB_PARTY: Final = NATIONAL_HUB

_HUB: Final = f"""\
# The directory: which parties there are (by the names in their certificates), which systems they
# run (by ASID), which interactions each system may use, and what was agreed with each receiver.
# `spine directory import FILE` writes it into the store; entries not in the file stay as they are.

# The hub itself: what is sent to it, and how it must arrive. Nobody asks in its name.
[organisation.YES]
name = "National hub"

[party.{HUB_PARTY}]
name = "National hub"
certificate_names = []
organisation = "YES"

[[contract]]
party = "{HUB_PARTY}"
service = "urn:nhs:names:services:alerts"
interactions = ["COMT_IN000001UK01"]
cpa_id = "S9999999A9900801"

[[contract]]
party = "{HUB_PARTY}"
service = "urn:nhs:names:services:tms"
interactions = ["MCCI_IN200001UK02"]
cpa_id = "S9999999A9900802"

# Traces that are answered later: express, and acknowledged by nobody.
[[contract]]
party = "{HUB_PARTY}"
service = "urn:nhs:names:services:pdsquery"
interactions = [
    "QUPA_IN020000UK14", "QUPA_IN020000UK31", "QUPA_IN000006UK02", "QUPA_IN000006UK05",
    "QUPA_IN000012UK02", "QUPA_IN000012UK04",
]
cpa_id = "S9999999A9900803"
ack_requested = "never"
duplicate_elimination = "never"
"""

# PT4H10M: the persist duration that nhsdigitalmait/SPINE_MTH lists for extracts (tms-rules 7.3).
_PRACTICE: Final = """\

[organisation.{code}]
name = "{name}"

[party.{party}]
name = "{name}"
certificate_names = ["{client}"]
organisation = "{code}"
# Where the hub posts what is for this party.
endpoint = "https://localhost:{port}/reliablemessaging"

[system.{asid}]
name = "{name} system"
party = "{party}"
# "*" is every interaction that this release answers, and every one of a contract in this file.
interactions = ["*"]

# Records moved from practice to practice (GP2GP): forwarded, and acknowledged by each hop.
[[contract]]
party = "{party}"
service = "urn:nhs:names:services:gp2gp"
interactions = [
    "RCMR_IN010000UK05", "RCMR_IN030000UK06", "RCMR_IN030000UK07", "COPC_IN000001UK01",
    "MCCI_IN010000UK13",
]
cpa_id = "{cpa_id}1"
actor = "nextMSH"
sync_reply = "None"
persist_duration = "PT4H10M"

# The hub's answers to alerts and to batches.
[[contract]]
party = "{party}"
service = "urn:nhs:names:services:alerts"
interactions = ["MCCI_IN010000UK13"]
cpa_id = "{cpa_id}2"

[[contract]]
party = "{party}"
service = "urn:nhs:names:services:tms"
interactions = ["MCCI_IN010000UK13", "MCCI_IN200002UK03"]
cpa_id = "{cpa_id}3"

# The answers to traces.
[[contract]]
party = "{party}"
service = "urn:nhs:names:services:pdsquery"
interactions = [
    "QUPA_IN030000UK15", "QUPA_IN030000UK32", "QUPA_IN000011UK02", "QUPA_IN000011UK05",
    "QUPA_IN000013UK01", "QUPA_IN000013UK03", "QUQI_IN010000UK14", "MCCI_IN010000UK13",
]
cpa_id = "{cpa_id}4"
ack_requested = "never"
duplicate_elimination = "never"
"""

DIRECTORY: Final = "".join(
    (
        _HUB,
        _PRACTICE.format(
            code="T99999",
            name="Sample practice",
            party=SAMPLE_PARTY,
            client=SAMPLE_CLIENT,
            port=9443,
            asid=SAMPLE_ASID,
            cpa_id="S9999999A990001",
        ),
        _PRACTICE.format(
            code="T99998",
            name="Second practice",
            party=SECOND_PARTY,
            client=SECOND_CLIENT,
            port=9444,
            asid=SECOND_ASID,
            cpa_id="S9999999A990002",
        ),
    )
)


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
    second = certificates.issue(authority, SECOND_CLIENT, server=False, valid=valid)
    files = {
        "ca.pem": certificates.certificate_pem(authority),
        "ca.key": certificates.key_pem(authority.key),
        "server.pem": server.certificate,
        "server.key": server.key,
        "client.pem": client.certificate,
        "client.key": client.key,
        "second.pem": second.certificate,
        "second.key": second.key,
    }
    unfinished = Path(tempfile.mkdtemp(dir=tls.parent, prefix=".tls-"))
    for name, content in files.items():
        certificates.write_private(unfinished / name, content)
    unfinished.rename(tls)
    return [tls / name for name in files]
