"""Our WSDL and schemas as a client meets them: loaded by address, or written as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from described import Load

from legacy_contracts import ns
from legacy_contracts.smsp.wsdl import PAYLOADS, SCHEMAS, documents, files

HOST: Final = "spine.example:8443"
INCLUDED: Final = ("ITKMessageTypes-2010-05", "distributionEnvelope-v2-0")
HEAD: Final = f'<xs:schema xmlns:xs="{ns.XSD}"'
WSDL: Final = f"https://{HOST}/smsp/pds?wsdl"


def loader(served: Mapping[str, bytes]) -> Load:
    """Give what loads a document by its whole address, out of those that are served."""

    def load(location: str) -> bytes:
        place = urlsplit(location)
        return served[f"{place.path}?{place.query}" if place.query else place.path]

    return load


def ours() -> Load:
    """Give what loads our own documents."""
    return loader(documents(HOST))


def at(name: str) -> str:
    """Give the whole address of one of our schemas."""
    return f"https://{HOST}{SCHEMAS}{name}.xsd"


def written(folder: Path) -> Path:
    """Write our WSDL and schemas into a folder, and give it."""
    for name, content in files(HOST).items():
        (folder / name).write_bytes(content)
    return folder


def combined(folder: Path, place: Path) -> Path:
    """Write one schema of all that a folder's say of envelopes and payloads, and give where."""
    for namespace, names in ((ns.ITK, INCLUDED), (ns.HL7, PAYLOADS)):
        inside = "".join(
            f'<xs:include schemaLocation="{(folder / name).as_uri()}.xsd"/>' for name in names
        )
        text = f'{HEAD} targetNamespace="{namespace}">{inside}</xs:schema>'
        (place / file_of(namespace)).write_text(text, "utf-8")
    imports = "".join(
        f'<xs:import namespace="{one}" schemaLocation="{file_of(one)}"/>'
        for one in (ns.ITK, ns.HL7)
    )
    whole = place / "whole.xsd"
    whole.write_text(f"{HEAD}>{imports}</xs:schema>", "utf-8")
    return whole


def file_of(namespace: str) -> str:
    """Give the file that holds all of a namespace, beside the combined schema."""
    return f"all-of-{namespace.replace(':', '-')}.xsd"
