"""Where a paged search goes on (RFC 2696): a cookie that says it all, and that only we can make."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec
from msgspec import Struct

from adapters.sds_searching import Mark
from legacy_contracts.sds.ldap_codes import Refused, Result
from legacy_contracts.sds.ldap_messages import Search

MAX_COOKIE: Final = 4096
_SEAL: Final = hashlib.sha256().digest_size
_encode = msgspec.msgpack.Encoder().encode


class Standing(Struct, frozen=True):
    """How far a paged search went, and how many entries it gave."""

    mark: Mark
    given: int


class Cookies(Struct, frozen=True):
    """Seals where a search stands, for that search alone; nothing is kept for it.

    Whoever has another key, a server that was started again too, refuses the cookie.
    """

    key: bytes

    def sealed(self, standing: Standing, search: Search) -> bytes:
        """Give the cookie that goes on from here."""
        told = _encode(standing)
        return self._seal(told, search) + told

    def opened(self, cookie: bytes, search: Search) -> Standing:
        """Give where a cookie goes on; raise `Refused` where it is not ours, or another search's.

        slapd answers a cookie that it does not know so, too.
        """
        seal, told = cookie[:_SEAL], cookie[_SEAL:]
        if len(cookie) > MAX_COOKIE or not hmac.compare_digest(seal, self._seal(told, search)):
            raise Refused(
                Result.UNWILLING_TO_PERFORM,
                "the cookie of paged results is none of this search: begin the search again",
            )
        return msgspec.msgpack.decode(told, type=Standing)

    def _seal(self, told: bytes, search: Search) -> bytes:
        asked = repr((search.base, search.scope, search.filter, search.size_limit))
        return hmac.digest(self.key, asked.encode(errors="surrogatepass") + b"\0" + told, "sha256")
