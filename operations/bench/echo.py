"""The ceiling: the same server and TLS with an application that only reads and answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from facade import config, server

_ANSWER: Final = b'<a typeCode="AA"/>' + b" " * 6000


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Read the request and give six kilobytes (WSGI)."""
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(_ANSWER)))])
    return (_ANSWER,)


if __name__ == "__main__":
    server.serve(config.load(Path(sys.argv[-1])), instead=answer)
