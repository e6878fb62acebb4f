"""The numbers and names of LDAP (RFC 4511): results, tags, extensions, and how a request fails."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from legacy_contracts.errors import ContractError


class Result(IntEnum):
    """What became of a request (RFC 4511 appendix A)."""

    SUCCESS = 0
    OPERATIONS_ERROR = 1
    PROTOCOL_ERROR = 2
    TIME_LIMIT_EXCEEDED = 3
    SIZE_LIMIT_EXCEEDED = 4
    COMPARE_FALSE = 5
    COMPARE_TRUE = 6
    AUTH_METHOD_NOT_SUPPORTED = 7
    STRONGER_AUTH_REQUIRED = 8
    ADMIN_LIMIT_EXCEEDED = 11
    UNAVAILABLE_CRITICAL_EXTENSION = 12
    CONFIDENTIALITY_REQUIRED = 13
    NO_SUCH_ATTRIBUTE = 16
    UNDEFINED_ATTRIBUTE_TYPE = 17
    INAPPROPRIATE_MATCHING = 18
    NO_SUCH_OBJECT = 32
    INVALID_DN_SYNTAX = 34
    INAPPROPRIATE_AUTHENTICATION = 48
    INVALID_CREDENTIALS = 49
    INSUFFICIENT_ACCESS_RIGHTS = 50
    BUSY = 51
    UNAVAILABLE = 52
    UNWILLING_TO_PERFORM = 53
    OTHER = 80


class Tag(IntEnum):
    """The outermost tag of each operation (RFC 4511 appendix B)."""

    BIND_REQUEST = 0x60
    BIND_RESPONSE = 0x61
    UNBIND_REQUEST = 0x42
    SEARCH_REQUEST = 0x63
    SEARCH_ENTRY = 0x64
    SEARCH_DONE = 0x65
    MODIFY_REQUEST = 0x66
    MODIFY_RESPONSE = 0x67
    ADD_REQUEST = 0x68
    ADD_RESPONSE = 0x69
    DELETE_REQUEST = 0x4A
    DELETE_RESPONSE = 0x6B
    RENAME_REQUEST = 0x6C
    RENAME_RESPONSE = 0x6D
    COMPARE_REQUEST = 0x6E
    COMPARE_RESPONSE = 0x6F
    ABANDON_REQUEST = 0x50
    EXTENDED_REQUEST = 0x77
    EXTENDED_RESPONSE = 0x78


class Scope(IntEnum):
    """How far a search goes from its base (RFC 4511 4.5.1.2)."""

    BASE = 0
    ONE = 1
    SUB = 2


ANSWERED_BY: Final = {
    Tag.BIND_REQUEST: Tag.BIND_RESPONSE,
    Tag.SEARCH_REQUEST: Tag.SEARCH_DONE,
    Tag.MODIFY_REQUEST: Tag.MODIFY_RESPONSE,
    Tag.ADD_REQUEST: Tag.ADD_RESPONSE,
    Tag.DELETE_REQUEST: Tag.DELETE_RESPONSE,
    Tag.RENAME_REQUEST: Tag.RENAME_RESPONSE,
    Tag.COMPARE_REQUEST: Tag.COMPARE_RESPONSE,
    Tag.EXTENDED_REQUEST: Tag.EXTENDED_RESPONSE,
}
"""The tag of the answer to each request that has one."""

NOTICE_OF_DISCONNECTION: Final = "1.3.6.1.4.1.1466.20036"
START_TLS: Final = "1.3.6.1.4.1.1466.20037"
WHO_AM_I: Final = "1.3.6.1.4.1.4203.1.11.3"
PAGED_RESULTS: Final = "1.2.840.113556.1.4.319"
MANAGE_DSA_IT: Final = "2.16.840.1.113730.3.4.2"
ABSOLUTE_FILTERS: Final = "1.3.6.1.4.1.4203.1.5.3"
"""(&) is true and (|) is false (RFC 4526)."""
ALL_OPERATIONAL: Final = "1.3.6.1.4.1.4203.1.5.1"
"""`+` asks for the operational attributes (RFC 3673)."""


class Malformed(ContractError):
    """The bytes are no LDAP message: the connection ends (RFC 4511 4.1.1); `why` may be shown."""

    def __init__(self, why: str) -> None:
        super().__init__(())
        self.why = why


class Refused(ContractError):
    """A request is answered with a code and a text, and the connection goes on."""

    def __init__(self, code: Result, text: str, matched: str = "") -> None:
        super().__init__(())
        self.code = code
        self.text = text
        self.matched = matched
