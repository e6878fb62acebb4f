"""wsse:Security: when a request was made, until when it stands, and in whose name.

Both times must be there, and a user's name (TKW-x, simulator_packs/autotest, expressions.conf:
ATM_NoTimeStamp, ATM_InvalidCreatedTimeStamp, ATM_InvalidExpiredTimeStamp, ATM_NoUsernameElement). A
password or a signature beside them is not read: who a sender is, its certificate says.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns
from legacy_contracts.envelopes.toolkit import refusal

_WSSE: Final = f"{{{ns.WSSE}}}"
_WSU: Final = f"{{{ns.WSU}}}"
_TIME: Final = re.compile(
    r"[1-9]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,30})?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII
)
"""The conformance simulator's own pattern; without a zone it is UTC."""

MAX_NAME: Final = 255


class Security(Struct, frozen=True):
    """The times of a request, in UTC, and the user's name it gives."""

    created: datetime
    expires: datetime
    username: str


class Moment(Struct, frozen=True):
    """When a request is read, and by how much its sender's clock may differ from ours."""

    now: datetime
    skew: timedelta


def opened(header: etree._Element, at: Moment) -> Security:
    """Give what a SOAP header's security says; raise `ItkError` where it is missing or past."""
    blocks = header.findall(f"{_WSSE}Security")
    if len(blocks) > 1:
        raise refusal("SCHEMA", "there are two Security headers")
    stamp = blocks[0].find(f"{_WSU}Timestamp") if blocks else None
    if stamp is None:
        raise refusal("NO_TIMESTAMP")
    created, expires = _time(stamp, "Created"), _time(stamp, "Expires")
    _require_standing(created, expires, at)
    return Security(created, expires, _username(blocks[0]))


def _require_standing(created: datetime, expires: datetime, at: Moment) -> None:
    if expires < created:
        raise refusal("TIMESTAMP_BACKWARDS")
    if at.now - expires > at.skew:
        raise refusal(
            "TIMESTAMP_EXPIRED", f"it expired more than {at.skew.total_seconds():g} seconds ago"
        )
    if created - at.now > at.skew:
        raise refusal(
            "TIMESTAMP_FUTURE", f"it is more than {at.skew.total_seconds():g} seconds ahead"
        )


def _time(stamp: etree._Element, name: str) -> datetime:
    found = stamp.findall(_WSU + name)
    text = (found[0].text or "").strip() if len(found) == 1 else ""
    if _TIME.fullmatch(text) is None:
        raise refusal("TIMESTAMP_UNREADABLE", name)
    try:
        read = datetime.fromisoformat(text)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise refusal("TIMESTAMP_UNREADABLE", name) from error


def _username(security: etree._Element) -> str:
    text = (security.findtext(f"{_WSSE}UsernameToken/{_WSSE}Username") or "").strip()
    if not text or len(text) > MAX_NAME:
        raise refusal("NO_USERNAME", "a UsernameToken with a Username is expected")
    return text
