"""Patients in a TOML file: a `[[patient]]` each, in the words of core.values.demographics."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import msgspec

from core.values.demographics import Patient
from core.values.identity import is_nhs_number, is_oid


class FileRefused(ValueError):
    """A file is not what it should be; the words say where, and the cure, on one line."""


def read(file: Path) -> tuple[Patient, ...]:
    """Give the patients of a file; raise `FileRefused` for the first that is not in order."""
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8")).get("patient", [])
        patients = msgspec.convert(tables, tuple[Patient, ...])
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(f"{file} cannot be read ({error}): name a TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise FileRefused(f"{file} is no TOML ({error}): correct it") from error
    except msgspec.ValidationError as error:
        raise FileRefused(f"{file}: {error}: correct it") from error
    for number, one in enumerate(patients, 1):
        _require_whole(f"{file}: patient {number}", one)
    if not patients:
        raise FileRefused(f"{file} names no patient: write a [[patient]] for each")
    return patients


def fingerprint(file: Path) -> str:
    """Give what tells a file from another with other contents."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _require_whole(place: str, patient: Patient) -> None:
    if not is_nhs_number(patient.nhs_number):
        raise FileRefused(f"{place}: nhs_number is none: write ten digits with their check digit")
    for one in patient.local_identifiers:
        if not (one.organisation and one.value and is_oid(one.scheme)):
            raise FileRefused(
                f"{place}: a local identifier needs an organisation, an OID as scheme, and a value"
            )
