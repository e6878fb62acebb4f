"""Writes what comes in of the mini services' recordings: every case of `smsp_cases`.

`PYTHONPATH=tests/support python tests/support/smsp_recording_cases.py` writes the requests and the
cases' descriptions; `spine replay fixtures/recordings/smsp --accept` writes the answers.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from itk_messages import ITEM, Parts
from msgspec.structs import replace
from smsp_asking import payload
from smsp_cases import CASES, Case

from legacy_contracts.smsp.operations import OPERATIONS

FOLDER: Final = Path(__file__).parents[2] / "fixtures/recordings/smsp"
IDS: Final = tuple(f"5C1A7E90-44D2-4E7B-9A33-0F0E0D0C0B{number:02X}" for number in range(10, 18))
_MESSAGE: Final = "3F2504E0-4F89-41D3-9A0C-0305E82C3301"
_TRACKING: Final = "3F2504E0-4F89-41D3-9A0C-0305E82C3302"
_ASIDS: Final = {"client.spine.test": "990000000001", "other.spine.test": "990000000003"}
_PARTIES: Final = {"client.spine.test": "T99999-9900001", "other.spine.test": "T88888-9900002"}


def request(case: Case) -> bytes:
    """Give the whole HTTP request of a case, at the operation's own address."""
    operation = OPERATIONS[case.operation]
    asking = payload(case.operation, case.asked).decode()
    body = replace(
        Parts(message_id=_MESSAGE, tracking_id=_TRACKING),
        service=operation.action,
        action=operation.action,
        items=ITEM.replace(
            OPERATIONS["verifyNHSNumber-v1-0"].request_profile, operation.request_profile
        ),
        payloads=f'<itk:payload id="uuid_1">{asking}</itk:payload>',
    ).message()
    lines = (
        f"POST {operation.path} HTTP/1.1",
        "Host: spine.example",
        "Content-Type: text/xml; charset=utf-8",
        f'SOAPAction: "{operation.action}"',
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def description(case: Case) -> str:
    """Give what `case.toml` says."""
    name = case.certificate_name
    ids = "".join(f'    "{one}",\n' for one in IDS)
    return f"""\
source = "synthetic"
now = "2014-08-25T09:30:00Z"
ids = [
{ids}]
records = "../../../../records/smsp.toml"
directory = "../../../../directories/hospital.toml"
compare = "exact"

[caller]
certificate_name = "{name}"
party_key = "{_PARTIES[name]}"
asid = "{_ASIDS[name]}"
"""


def write() -> int:
    """Write every case anew, without the answers of any; give how many there are."""
    for operation in OPERATIONS:
        shutil.rmtree(FOLDER / operation, ignore_errors=True)
    for case in CASES:
        folder = FOLDER / case.operation / case.name
        folder.mkdir(parents=True)
        (folder / "01-in.http").write_bytes(request(case))
        (folder / "case.toml").write_text(description(case), encoding="utf-8")
    return len(CASES)


if __name__ == "__main__":
    sys.stdout.write(f"{write()} cases\n")
