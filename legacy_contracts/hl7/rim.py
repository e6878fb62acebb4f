"""The building grammar: functions that give escaped XML text, which only they can make.

Text, because building elements costs three times as much; a grammar and not a template, because it
composes, is typed, and cannot forget to escape. `Xml` is a `str` that has been escaped; any other
`str` is escaped on its way in.
"""

from __future__ import annotations

import re
from typing import Final

_SPECIAL: Final = re.compile('[&<>"\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]')
_ENTITIES: Final = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}
_find_special = _SPECIAL.search


class Xml(str):
    """XML text that is well formed and escaped."""

    __slots__ = ()


NOTHING: Final = Xml("")


def escape(text: str) -> str:
    """Give the text with the characters of XML escaped and those XML forbids left out."""
    if _find_special(text) is None:
        return text
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], ""), text)


def element(name: str, content: str, attributes: str = "") -> Xml:
    """Give an element around built content; `attributes` is built text that starts with a space."""
    if content:
        return Xml(f"<{name}{attributes}>{content}</{name}>")
    return Xml(f"<{name}{attributes}/>")


def text_element(name: str, text: str) -> Xml:
    """Give an element that holds text."""
    return Xml(f"<{name}>{escape(text)}</{name}>") if text else Xml(f"<{name}/>")


def maybe_text(name: str, text: str | None) -> str:
    """Give an element that holds text, or nothing where nothing was recorded."""
    return NOTHING if text is None else text_element(name, text)


def coded(name: str, code: str, system: str) -> Xml:
    """Give a coded value (CV)."""
    return Xml(f'<{name} code="{escape(code)}" codeSystem="{system}"/>')


def simple_code(name: str, code: str) -> Xml:
    """Give a coded value whose system is fixed (CS)."""
    return Xml(f'<{name} code="{escape(code)}"/>')


def valued(name: str, value: str) -> Xml:
    """Give an element with a value (TS, INT, BL)."""
    return Xml(f'<{name} value="{escape(value)}"/>')


def instance(root: str, extension: str, name: str = "id") -> Xml:
    """Give an instance identifier (II)."""
    return Xml(f'<{name} root="{root}" extension="{escape(extension)}"/>')


def act(name: str, content: str, *, class_code: str = "OBS", mood: str = "EVN") -> Xml:
    """Give an act."""
    return Xml(f'<{name} classCode="{class_code}" moodCode="{mood}">{content}</{name}>')


def role(name: str, content: str, class_code: str) -> Xml:
    """Give a role."""
    return element(name, content, f' classCode="{class_code}"')


def entity(name: str, content: str, class_code: str = "PSN") -> Xml:
    """Give an entity."""
    return element(name, content, f' classCode="{class_code}" determinerCode="INSTANCE"')


def link(name: str, content: str, type_code: str) -> Xml:
    """Give a participation or act relationship."""
    return Xml(f'<{name} typeCode="{type_code}">{content}</{name}>')
