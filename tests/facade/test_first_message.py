"""One message, the whole way: a legacy client's bytes over mutual TLS, answered from the store."""

from __future__ import annotations

from lxml import etree
from serving import Served, spine

from operations import patients

HL7 = "{urn:hl7-org:v3}"


def test_a_retrieval_is_answered_over_mutual_tls(served: Served) -> None:
    patient = next(patients.population(1, 2014))

    sent = spine(
        "send",
        "--config",
        str(served.folder / "spine.toml"),
        "--host",
        "127.0.0.1",
        SPINE_SERVER_PORT=str(served.port),
    )

    status, _, body = sent.stdout.partition("\n")
    assert (sent.returncode, status) == (0, "HTTP 200")
    root = etree.fromstring(body.encode())
    assert root.find(f".//{HL7}retrievalQueryResponse/{HL7}QUPA_IN000009UK03") is not None
    assert root.find(f".//{HL7}patientRole/{HL7}id").get("extension") == patient.nhs_number
    assert root.find(f".//{HL7}birthTime").get("value") == patient.birth_time
    assert root.find(f".//{HL7}family").text == patient.names[0].family


def test_who_looked_is_known(served: Served) -> None:
    number = next(iter(patients.numbers()))
    looked = spine("audit", "--config", str(served.folder / "spine.toml"), "--nhs-number", number)
    assert looked.returncode == 0
    assert "party T99999-9900001 ASID 990000000001" in looked.stdout
