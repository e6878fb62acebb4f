"""Endpoints: what a URL must be to be posted to."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit


@lru_cache(maxsize=1024)
def wrong_url(value: str) -> str:
    """Say what is wrong with a URL; nothing where it is an https one with a host."""
    # What urlsplit drops in silence (line ends, tabs) must not reach a request line.
    if not all("!" <= one <= "~" for one in value):
        return "holds what no URL may hold"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is no URL"
    if parts.scheme != "https":
        return "is not https"
    if not host or port == 0:
        return "names no host" if not host else "names no port"
    if parts.username is not None or parts.fragment:
        return "holds more than host, port, path and query"
    return ""
