"""A hub in this process behind its WSGI application: requests as a server hands them over."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any, Final

from ebxml_messages import EB, Message
from hubs import NAMES, TestHub
from lxml import etree
from msgspec import Struct

from facade.metrics import Metrics
from facade.web import Application
from facade.wiring import Spine

LIMIT: Final = 5_000_000


class WebAnswer(Struct, frozen=True):
    """What the application answers to one request."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class HubWeb:
    """The application of a hub; `limit_bytes` is what a request may be."""

    hub: TestHub
    limit_bytes: int = LIMIT
    _application: Application = field(init=False)
    _names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        us = self.hub.us
        self._application = Application(
            Spine(us.core, us.core.store, us.context, us.core.audit, us),
            Metrics(),
            limit_bytes=self.limit_bytes,
            names_of=lambda _environ: self._names,
        )

    def send(self, message: Message, *, by: str | None = None, **environ: str) -> WebAnswer:
        """Give the answer to a message from its sender, or from the party `by`."""
        return self.written(message, message.bytes(), by=by, **environ)

    def written(
        self, message: Message, body: bytes, *, by: str | None = None, **environ: str
    ) -> WebAnswer:
        """Give the answer to bytes that are sent as a message would be."""
        given = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": message.path,
            "CONTENT_TYPE": message.content_type,
            "HTTP_SOAPACTION": message.soap_action,
            **environ,
        }
        return self.post(given, body, names=(NAMES[by or message.from_party],))

    def post(self, environ: dict[str, Any], body: bytes, *, names: tuple[str, ...]) -> WebAnswer:
        """Give the answer to a request of whoever has a certificate with these names."""
        self._names = names
        length = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
        said: list[Any] = []
        content = b"".join(self._application({**length, **environ}, lambda *one: said.extend(one)))
        status, headers = said
        return WebAnswer(int(status.split(" ")[0]), dict(headers), content)


def error_of(answer: WebAnswer) -> tuple[str, str]:
    """Give the code and words of a MessageError, which is an HTTP answer as every one is."""
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/xml")
    (error,) = etree.fromstring(answer.body).iter(f"{{{EB}}}Error")
    return error.get(f"{{{EB}}}errorCode", ""), error.findtext(f"{{{EB}}}Description") or ""
