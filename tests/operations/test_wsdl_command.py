"""`spine wsdl` writes what a client is made of, and says what is wrong with a host."""

from __future__ import annotations

from pathlib import Path

import zeep
from serving import spine


def test_the_files_make_a_client_that_fetches_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "wsdl"
    done = spine("wsdl", str(folder), "--host", "spine.example:8443")
    assert (done.returncode, done.stderr) == (0, "")
    wsdl = folder / "PDSMiniServices-v1-0.wsdl"
    assert done.stdout == f"Wrote {wsdl} and {len(list(folder.glob('*.xsd')))} schemas\n"
    client = zeep.Client(str(wsdl), settings=zeep.Settings(strict=True, forbid_external=True))
    port = client.wsdl.services["verifyNHSNumber-v1-0"].ports["verifyNHSNumber-v1-0_pttPort"]
    assert port.binding_options["address"] == (
        "https://spine.example:8443/interoperability.toolkit/HL7v3/verifyNHSNumber-v1-0"
    )


def test_what_is_no_host_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    done = spine("wsdl", str(tmp_path / "wsdl"), "--host", "https://spine.example")
    assert done.returncode == 2
    assert "'https://spine.example' is no host: write a name with or without a port" in done.stderr
    assert not (tmp_path / "wsdl").exists()
