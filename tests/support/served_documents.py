"""Our WSDL and schemas as a client meets them: loaded by address, or written as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from described import Load

from legacy_contracts.smsp.wsdl import SCHEMAS, documents, files

HOST: Final = "spine.example:8443"
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
