"""May this caller do this: certificate, party key, ASID, and what the directory grants it."""

from __future__ import annotations

from core.directory import Directory
from core.errors import NotAllowed
from core.values.identity import Caller


def authorise(caller: Caller, directory: Directory) -> None:
    """Return if the caller may do what it asks; raise `NotAllowed` if not.

    The reason is for the log: the caller is told only that access was refused.
    """
    system = directory.system(caller.asid)
    if system is None:
        raise NotAllowed(f"ASID {caller.asid} is not in the directory")
    if system.party_key != caller.party_key:
        raise NotAllowed(
            f"ASID {caller.asid} belongs to party {system.party_key}, "
            f"the certificate to {caller.party_key or 'no known party'}"
        )
    if caller.activity not in system.activities:
        raise NotAllowed(f"ASID {caller.asid} may not use {caller.activity}")
