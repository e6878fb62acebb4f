"""May this caller do this: certificate, party key, ASID, and what the directory grants it."""

from __future__ import annotations

from collections.abc import Callable

from core.directory import Directory
from core.errors import NotAllowed
from core.values.identity import Asid, Caller, is_asid, is_party_key


def authorise(caller: Caller, directory: Directory) -> None:
    """Return if the caller may do what it asks; raise `NotAllowed` if not.

    The reason is for the log: the caller is told only that access was refused.
    """
    if caller.by_hand:
        # Whoever may run the facade's commands may open its store.
        return
    if caller.asid is None:
        _authorise_party(caller, directory)
    else:
        _authorise_system(caller, caller.asid, directory)


def _authorise_system(caller: Caller, asid: Asid, directory: Directory) -> None:
    system = directory.system(asid)
    if system is None:
        raise NotAllowed(f"ASID {_shown(asid, is_asid)} is not in the directory")
    if system.party_key != caller.party_key:
        raise NotAllowed(
            f"ASID {asid} belongs to party {system.party_key}, "
            f"the certificate to {caller.party_key or 'no known party'}"
        )
    if caller.activity not in system.activities:
        raise NotAllowed(f"ASID {asid} may not use {caller.activity}")


def _authorise_party(caller: Caller, directory: Directory) -> None:
    """Let a party ask that names itself and no system, if one of its systems might ask."""
    if caller.named_party != caller.party_key:
        raise NotAllowed(
            f"the message names party {_shown(caller.named_party or '', is_party_key)}, "
            f"the certificate {caller.party_key or 'no known party'}"
        )
    party = directory.party(caller.party_key)
    systems = [directory.system(asid) for asid in party.asids] if party else []
    if not any(
        system and system.party_key == caller.party_key and caller.activity in system.activities
        for system in systems
    ):
        raise NotAllowed(f"no system of party {caller.party_key} may use {caller.activity}")


def _shown(text: str, is_one: Callable[[str], bool]) -> str:
    """Give an id as it may be logged: what has not its shape may be anything, a name too."""
    return text if is_one(text) else f"of {len(text)} characters"
