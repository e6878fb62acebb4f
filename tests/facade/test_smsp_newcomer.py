"""What docs/smsp.md tells a newcomer to run runs, against a facade that is served."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from serving import Served, spine

from operations.cli.records import load
from operations.patients import population

PAGE = (Path(__file__).parents[2] / "docs" / "smsp.md").read_text(encoding="utf-8")
SEED = next(one.default for one in load.params if one.name == "seed")
PATIENT = next(one for one in population(200, SEED) if one.birth_time)


@pytest.mark.parametrize(
    ("birth_date", "nhs_number", "code"),
    [
        (PATIENT.birth_time, PATIENT.nhs_number, "SMSP-0000"),
        ("18000101", PATIENT.nhs_number, "DEMOG-0040"),
        ("18000101", "9999999999", "DEMOG-0001"),
    ],
)
def test_the_client_of_the_page_prints_the_code_of_its_answer(
    served: Served, tmp_path: Path, birth_date: str, nhs_number: str, code: str
) -> None:
    (text,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    asked = 'BIRTH_DATE, NHS_NUMBER = "19500203", "9992345667"'
    assert asked in text
    text = text.replace(asked, f'BIRTH_DATE, NHS_NUMBER = "{birth_date[:8]}", "{nhs_number}"')
    (tmp_path / "spine-data").symlink_to(served.folder)
    (command,) = re.findall(r"\.venv/bin/spine wsdl (\S+) --host localhost:8443", PAGE)
    done = spine("wsdl", str(tmp_path / command), "--host", f"localhost:{served.port}")
    assert done.returncode == 0
    ran = subprocess.run(
        [sys.executable, "-c", text],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.stdout, ran.stderr) == (f"{code}\n", "")
