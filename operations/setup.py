"""`spine init`: a folder with a commented configuration, keys made here, and a first directory."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Final

from facade.config import NATIONAL_HUB
from legacy_contracts import ns, registry
from legacy_contracts.interaction import HubInteraction, Pattern
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
cpa_id = "{cpa_id}"
actor = "nextMSH"
sync_reply = "None"
persist_duration = "PT4H10M"
"""

_CONTRACT: Final = """\

[[contract]]
party = "{party}"
service = "{service}"
interactions = [
{interactions}
]
cpa_id = "{cpa_id}"
"""

_EXPRESS: Final = """\
ack_requested = "never"
duplicate_elimination = "never"
"""


def _by_service() -> Mapping[tuple[str, Pattern], list[HubInteraction]]:
    """Give what the hub answers itself, by service and pattern: each is a contract."""
    found: dict[tuple[str, Pattern], list[HubInteraction]] = {}
    for row in registry.HUB_INTERACTIONS:
        found.setdefault((row.service, row.pattern), []).append(row)
    return found


def _contracts(
    party: str, cpa_ids: Iterator[str], named: Callable[[HubInteraction], Iterable[str]]
) -> str:
    """Give a contract with a party for each service, on what `named` gives of its interactions.

    What a service has by two patterns (a rejection) is under the first: there is one contract.
    """
    texts = []
    listed: dict[str, set[str]] = {}
    for (service, pattern), rows in _by_service().items():
        before = listed.setdefault(service, set())
        names = [
            name
            for name in dict.fromkeys(name for row in rows for name in named(row))
            if name not in before
        ]
        before.update(names)
        contract = _CONTRACT.format(
            party=party,
            service=f"{ns.SERVICES}{service}",
            interactions="\n".join(f'    "{name}",' for name in names),
            cpa_id=next(cpa_ids),
        )
        texts.append(contract + (_EXPRESS if pattern is Pattern.ASYNC_EXPRESS else ""))
    return "".join(texts)


def _practice(party: str, cpa_id: str, **more: object) -> str:
    """Give a practice, and how the hub's answers to it must arrive."""
    cpa_ids = _cpa_ids(cpa_id)
    own = _PRACTICE.format(party=party, cpa_id=next(cpa_ids), **more)
    return own + _contracts(party, cpa_ids, lambda row: row.answers)


def _cpa_ids(stem: str) -> Iterator[str]:
    return (f"{stem}{number:02d}" for number in count(1))


DIRECTORY: Final = "".join(
    (
        _HUB,
        _contracts(HUB_PARTY, _cpa_ids("S9999999A99008"), lambda row: (row.interaction_id,)),
        _practice(
            code="T99999",
            name="Sample practice",
            party=SAMPLE_PARTY,
            client=SAMPLE_CLIENT,
            port=9443,
            asid=SAMPLE_ASID,
            cpa_id="S9999999A99001",
        ),
        _practice(
            code="T99998",
            name="Second practice",
            party=SECOND_PARTY,
            client=SECOND_CLIENT,
            port=9444,
            asid=SECOND_ASID,
            cpa_id="S9999999A99002",
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
