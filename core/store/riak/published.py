"""The only home of the published `riak` client: what it takes to import it, and its parts.

Release 2.7.0 is the last there is and was written for older Pythons; what it takes to import it,
and why it is used all the same, is docs/decisions/0006-riak-client.md.
"""

from __future__ import annotations

import collections
import collections.abc
import sys
import warnings
from typing import Any, Final

from msgspec import Struct

from core.errors import StoreError

SPOKEN: Final = "3.0"
"""The server that the client is told it speaks to.

Left alone it asks each connection, reads a version out of the release's name, and refuses bucket
types to a node whose name holds none. Everything used here has been there since Riak 2.0.
"""

_MOVED: Final = ("Iterable", "Mapping", "Sequence", "Set", "Sized")


class Published(Struct, frozen=True):
    """The parts of the client that are used, and the errors it raises."""

    client: Any
    transport: Any
    codec: Any
    item: Any
    version: Any
    refusal: type[Exception]
    breakage: type[Exception]

    def cause(self, error: BaseException) -> BaseException:
        """Give what the client's own error of a broken connection wraps, or the error itself."""
        if not isinstance(error, self.breakage) or not error.args:
            return error
        wrapped = error.args[0]
        if isinstance(wrapped, self.refusal):
            return ConnectionResetError(str(wrapped))
        return wrapped if isinstance(wrapped, BaseException) else error


def published() -> Published:
    """Give the client's parts; raise `StoreError` with the cure where it is not installed."""
    try:
        if "riak" not in sys.modules:
            _import()
        return _parts()
    except ImportError as error:
        raise StoreError(
            f"the riak client cannot be imported ({error}): "
            "pip install -c constraints.txt -e '.[riak]'"
        ) from error


def _parts() -> Published:
    from riak import RiakClient, RiakError, RiakObject  # noqa: PLC0415 - an optional extra
    from riak.codecs.pbuf import PbufCodec  # noqa: PLC0415
    from riak.transports.feature_detect import LooseVersion  # noqa: PLC0415
    from riak.transports.pool import BadResource  # noqa: PLC0415
    from riak.transports.tcp.transport import TcpTransport  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        version = LooseVersion(SPOKEN)
    return Published(
        client=RiakClient,
        transport=TcpTransport,
        codec=PbufCodec(
            client_timeouts=True, quorum_controls=True, tombstone_vclocks=True, bucket_types=True
        ),
        item=RiakObject,
        version=version,
        refusal=RiakError,
        breakage=BadResource,
    )


def _import() -> None:
    """Import the client as it stands, with the names and the argument that Python took away.

    The names stay, for the client uses them again at run time; the argument is lent for the import.
    """
    for name in _MOVED:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    strict = collections.namedtuple  # noqa: PYI024 - the client calls it by this name

    def lenient(*args: Any, verbose: bool = False, **options: Any) -> Any:  # noqa: ANN401, ARG001
        return strict(*args, **options)

    collections.namedtuple = lenient  # noqa: PYI024
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import riak  # noqa: F401, PLC0415
    finally:
        collections.namedtuple = strict  # noqa: PYI024
