"""Advanced traces of MIM 2.3, whole and synthetic: parties for systems, no search parameter.

No schema of them is public; the elements are those that p1r1_AdvancedTraceValidation names.
"""

from __future__ import annotations

import re
from typing import Final

from ebxml_messages import EXPRESS, SOAP_NEXT, Message, new_id
from hub_messages import TO_THE_HUB
from msgspec.structs import replace
from old_update_messages import author, carried, device
from pushed_traces import Asked, query
from wrapped_messages import CODES, TIME, Route

INTERACTION: Final = "QUPA_IN020000UK01"
ANSWER: Final = "QUPA_IN030000UK02"
REFUSAL: Final = "QUQI_IN010000UK01"

_LIKE: Final = "QUPA_IN020000UK14"
"""The release after it, whose parameters have the same names."""


def old_query(asked: Asked) -> str:
    """Give the query: the parameters of the next release, without what this one has not."""
    bare = replace(asked, search=None, history=None, ignore_history=None)
    return re.sub(r"(</?)query>", r"\1pdsAdvancedTraceQuery>", query(_LIKE, bare))


def old_trace(asked: Asked, route: Route = TO_THE_HUB) -> Message:
    """Give a trace as a message: express, and for the hub itself."""
    own_id = new_id()
    payload = (
        f'<{INTERACTION} xmlns="urn:hl7-org:v3"><id root="{own_id}"/>'
        f'<creationTime value="{TIME}"/><versionCode code="V3NPfIT2.0"/>'
        f'<interactionId root="{CODES}.12" extension="{INTERACTION}"/>'
        '<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/>'
        f"{device('Rcv', route.to_party)}{device('Snd', route.from_party)}"
        f'<ControlActProcess classCode="CACT" moodCode="EVN">{author(route.from_asid)}'
        f"{old_query(asked)}"
        f"</ControlActProcess></{INTERACTION}>"
    )
    message = carried(INTERACTION, payload, route, own_id)
    return replace(
        message, ack_actor=None, duplicate_elimination=None, sync_actor=SOAP_NEXT, path=EXPRESS
    )
