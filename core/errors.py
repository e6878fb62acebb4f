"""What the core refuses and what it cannot do; no error here carries a legacy code."""

from __future__ import annotations

from core.values.changes import Objection
from core.values.identity import NhsNumber


class CoreError(Exception):
    """The core refuses a command; the adapters say so in the legacy's words."""


class NotFound(CoreError):
    """Nothing is recorded under the id, or nothing matches what was asked."""


class TooManyMatches(CoreError):
    """More than one record matches where one was asked for."""


class DetailsMissing(CoreError):
    """A search by details lacks what it must have; the text says what."""


class PatternTooShort(CoreError):
    """A wildcard stands among the first two characters of what it is to find."""


class NumberNotValid(CoreError):
    """The NHS number is not ten digits with a right check digit."""


class NumberInvalidated(CoreError):
    """The NHS number was withdrawn and nothing replaces it."""


class NumberSuperseded(CoreError):
    """The NHS number was replaced, and this command does not follow replacements.

    `replacement` is the number that replaced it, where whoever asked may be told.
    """

    def __init__(self, words: str, *, replacement: NhsNumber | None = None) -> None:
        super().__init__(words)
        self.replacement = replacement


class SerialChangeNumberStale(CoreError):
    """The record is not at the serial change number that the update was made from."""


class ItemNotFound(CoreError):
    """No current item of the record has the object id."""


class Restricted(CoreError):
    """The record is restricted, and may not be changed by who asks."""


class ChangeRefused(CoreError):
    """The change does not go with what is stored: `reason` says which check it fails."""

    def __init__(self, reason: Objection) -> None:
        super().__init__(reason.value)
        self.reason = reason


class NotVerified(CoreError):
    """The details given do not agree with the record."""


class NotAllowed(CoreError):
    """The caller may not do this; `why` says what the directory lacks, for the log."""


class Duplicate(CoreError):
    """Another value already stands where this one may be written only once."""


class Expired(CoreError):
    """The message is past the time until which it may be delivered."""


class NumbersExhausted(CoreError):
    """No NHS number is left to give; the words name the cure, for whoever runs this."""


class StoreError(Exception):
    """The store cannot be reached, is full, or is damaged: nothing was decided, try again."""


class ValueTooLarge(StoreError):
    """The value is larger than any store takes: trying again changes nothing."""


class StoreFull(StoreError):
    """The store refused a write for want of room."""
