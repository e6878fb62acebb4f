"""The wrapper of a bare HL7 message, as ebXML carries it: its checks, its fields, its author.

Three tables of checks (tms-rules.md 3): every single message that the hub answers itself
(nonBatch-Validate), the first payload of one that it forwards (intHL7-Validate), and the oldest
generation, which names parties in place of systems (hl7Validator_mim23). They ask about the wrapper
and hardly about the content, which may be a whole health record: so it is read and not kept.
"""

from __future__ import annotations

from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns, oids, xml
from legacy_contracts.hl7.rules import Group, Rule, Rules, count_is, once, once_id

_ROOT: Final = "/*"
_ACT: Final = "/*/hl7:ControlActEvent[1]"
_AGENT: Final = "hl7:AgentSystemSDS/hl7:agentSystemSDS"
_SYSTEM: Final = f"hl7:id[@root='{oids.ASID}']"
_INTERACTION: Final = f"hl7:interactionId[@root='{oids.INTERACTION}']/@extension"

_PERSON: Final = (
    ("hl7:id", oids.ROLE_PROFILE),
    ("hl7:agentPersonSDS/hl7:id", oids.USER),
    ("hl7:part/hl7:partSDSRole/hl7:id", oids.JOB_ROLE),
)
"""Where the author's three ids stand below AgentPersonSDS, and by which root they are known."""


def _device(way: str, root: str) -> str:
    return f"hl7:communicationFunction{way}/hl7:device/hl7:id[@root='{root}']"


def _head(device_root: str, identified: str) -> tuple[Rule, ...]:
    """Give checks 1 to 6, which the three tables share but for how ids and devices are read."""
    return (
        Rule(identified, "INVALID_ID"),
        Rule(once("hl7:creationTime", "value"), "INVALID_CREATION_TIME"),
        Rule(once("hl7:versionCode", "code"), "INVALID_VERSION_CODE"),
        Rule(
            f"count({_INTERACTION}) = 1 and {_INTERACTION} = local-name()",
            "INCONSISTENT_HL7_INTERACTION_ID",
        ),
        Rule(once(_device("Rcv", device_root), "extension"), "INVALID_COMM_FUNC_RCV"),
        Rule(once(_device("Snd", device_root), "extension"), "INVALID_COMM_FUNC_SND"),
    )


def _wrapper(identified: str) -> Group:
    one_act = Rule("count(hl7:ControlActEvent) = 1", "INVALID_CONTROL_ACT")
    return Group(_ROOT, (*_head(oids.ASID, identified), one_act))


_AUTHORS: Final = (
    Group(
        _ACT,
        (
            Rule(count_is("hl7:author", 0, 1), "CONTROL_ACT_AUTHOR_INVALID"),
            Rule(count_is("hl7:author1", 1, 2), "CONTROL_ACT_AUTHOR_INVALID_CARDINALITY"),
            Rule(
                "count(hl7:author1[1]/hl7:AgentSystemSDS[1]/hl7:agentSystemSDS[1]) = 1",
                "CONTROL_ACT_AUTHOR_AGENT_INVALID",
            ),
        ),
    ),
    Group(
        f"{_ACT}/hl7:author",
        tuple(
            Rule(
                once(f"hl7:AgentPersonSDS/{path}[@root='{root}']", "extension"),
                "CONTROL_ACT_AUTHOR_INVALID",
            )
            for path, root in _PERSON
        ),
    ),
    Group(
        f"{_ACT}/hl7:author1[1]/{_AGENT}",
        (
            Rule(
                once(_SYSTEM, "extension"),
                "CONTROL_ACT_AUTHOR_AGENT_INVALID",
            ),
        ),
    ),
    Group(
        f"{_ACT}/hl7:author1[2]/{_AGENT}",
        (
            Rule(
                f"{once('hl7:id', 'root')} and string-length(hl7:id/@extension) > 0",
                "CONTROL_ACT_AUTHOR_AGENT2_INVALID",
            ),
        ),
    ),
)

_OTHER_CONTENT: Final = (
    "count(hl7:query) = 1 or count(crs:setResourcePermissionsRequest) = 1 "
    "or count(hl7:CreateRequest) = 1 or count(hl7:SCRequest) = 1"
)

_CONTENT: Final = Group(
    _ACT,
    tuple(
        Rule(f"{_OTHER_CONTENT} or {subject}", "CONTROL_ACT_MANDATORY_ELEMENT_MISSING")
        for subject in ("count(hl7:subject) = 1", "count(hl7:subject/hl7:*) > 0")
    ),
)

NON_BATCH: Final = Rules((_wrapper(once_id()), *_AUTHORS, _CONTENT))
"""What is asked of every single message that the hub answers itself (nonBatch-Validate).

Its id must be one that the answer can repeat; of a message that is forwarded nobody asks that.
"""

LIGHT: Final = Rules((_wrapper(once("hl7:id", "root")),))
"""What is asked of a forwarded message: it is never refused for its content (intHL7-Validate)."""

_OLD_CONTENTS: Final = (
    "hl7:ControlActEvent/hl7:subject",
    "hl7:ControlActProcess/hl7:pdsAdvancedTraceQuery",
    "hl7:controlActRequest/hl7:IRDetailsRequest",
)
_OLD_ACTS: Final = "hl7:ControlActEvent | hl7:ControlActProcess | hl7:controlActRequest"
_OLD_AUTHOR: Final = "hl7:author/hl7:assignedEntity"
_OLD_SYSTEM: Final = f"{_OLD_AUTHOR}/hl7:representedOrganization/hl7:id"

MIM_2_3: Final = Rules(
    (
        Group(
            _ROOT,
            (
                *_head(oids.PARTY_KEY, once_id()),
                Rule(
                    f"count({_OLD_ACTS}) = 1",
                    "INVALID_CONTROL_ACT",
                ),
                Rule(
                    f"count({' | '.join(_OLD_CONTENTS)}) = 1 and "
                    f"count({' | '.join(f'{path}/hl7:*' for path in _OLD_CONTENTS)}) > 0",
                    "INVALID_CONTROL_ACT",
                ),
            ),
        ),
        Group(
            f"({_ACT} | /*/hl7:ControlActProcess[1])",
            (
                Rule(
                    f"string-length({_OLD_AUTHOR}/hl7:id/@extension) > 0 and "
                    f"string-length({_OLD_SYSTEM}/@extension) > 0",
                    "CONTROL_ACT_AUTHOR_INVALID",
                ),
            ),
        ),
    )
)
"""What is asked of the oldest generation (hl7Validator_mim23).

The published table prints the faults of the interaction's id, the devices and the content without
the marks that it puts round the others, so they may never have been seen; here they count.
"""


class Fields(Struct, frozen=True):
    """What the hub keeps of a message's wrapper; empty where the message does not say.

    The last four are of acknowledgements, and None where there is not exactly one of them:
    `detected_issue` is the code of the reason, `ack_type` is AA, AE or AR, `ack_code` the code of
    the acknowledgement's detail, `ack_of` the id of the message that is acknowledged.
    """

    interaction_id: str
    message_id: str
    version_code: str
    to_asid: str
    from_asid: str
    to_party: str
    from_party: str
    detected_issue: str | None
    ack_type: str | None
    ack_code: str | None
    ack_of: str | None


def _compiled(expression: str) -> etree.XPath:
    return etree.XPath(expression, namespaces=ns.PREFIXES, smart_strings=False)


def _text(path: str) -> etree.XPath:
    return _compiled(f"string({path})")


_TEXTS: Final = {
    "interaction_id": _text(_INTERACTION),
    "message_id": _text("hl7:id/@root"),
    "version_code": _text("hl7:versionCode/@code"),
    "to_asid": _text(f"{_device('Rcv', oids.ASID)}/@extension"),
    "from_asid": _text(f"{_device('Snd', oids.ASID)}/@extension"),
    "to_party": _text(f"{_device('Rcv', oids.PARTY_KEY)}/@extension"),
    "from_party": _text(f"{_device('Snd', oids.PARTY_KEY)}/@extension"),
}
_detected_issue = _compiled(
    "hl7:ControlActEvent/hl7:reason/hl7:justifyingDetectedIssueEvent/hl7:code/@code"
)
_ack_type = _compiled("hl7:acknowledgement/@typeCode")
_ack_code = _compiled("hl7:acknowledgement/hl7:acknowledgementDetail/hl7:code/@code")
_ack_of = _compiled("hl7:acknowledgement/hl7:messageRef/hl7:id/@root")
_author = _compiled("hl7:ControlActEvent[1]/hl7:author/hl7:AgentPersonSDS")
_user_2_3 = _compiled(f"({_OLD_ACTS})[1]/{_OLD_AUTHOR}/hl7:id[@root='{oids.USER}']/@extension")
_author_ids: Final = tuple(_text(f"{path}[@root='{root}']/@extension") for path, root in _PERSON)


def fields(root: etree._Element) -> Fields:
    """Give what a wrapper says, whatever it lacks."""
    return Fields(
        **{name: str(read(root)) for name, read in _TEXTS.items()},
        detected_issue=_only(_detected_issue(root)),
        ack_type=_only(_ack_type(root)),
        ack_code=_only(_ack_code(root)),
        ack_of=_only(_ack_of(root)),
    )


def _only(found: list[str]) -> str | None:
    return found[0] if len(found) == 1 else None


def person(root: etree._Element) -> tuple[str, str, str] | None:
    """Give the author's role profile, user and job role ids, or None without author."""
    authors = _author(root)
    if not authors:
        return None
    role_profile, user, job_role = (str(read(authors[0])) for read in _author_ids)
    return role_profile, user, job_role


def person_2_3(root: etree._Element) -> tuple[str, str, str] | None:
    """Give the author as MIM 2.3 names one (no role profile, user, no job role), or None."""
    users = _user_2_3(root)
    return ("", users[0], "") if users else None


_ACT_NAME: Final = f"{{{ns.HL7}}}ControlActEvent"
_READ: Final = frozenset(f"{{{ns.HL7}}}{name}" for name in ("author", "author1", "reason"))
_MAX_CONTENTS: Final = 20
"""More children than any ControlActEvent has whose content is worth the reading."""


def opened(content: bytes, charset: str | None) -> etree._Element:
    """Give the message without what stands inside its content; raise `MalformedMessage`.

    All of it is parsed. Of a ControlActEvent's `subject`, `query` and the like are left what the
    checks ask about: that they are there, and their first and last child.
    """
    return xml.parse_pruned(content, _prune, watched=(_ACT_NAME,), charset=charset)


def _prune(act: etree._Element) -> bool:
    """Cut the content that is being read down to its open elements; say whether any is."""
    if act.getnext() is not None or not 0 < len(act) <= _MAX_CONTENTS or act[-1].tag in _READ:
        return False
    content = act[-1]
    # The first child stays, so that whether there is one can still be asked.
    del content[1:-1]
    while len(content):
        content = content[-1]
        del content[:-1]
    return True
