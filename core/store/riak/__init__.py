"""The store on a Riak cluster, through the published `riak` client, protocol buffers only."""

from core.store.riak.cluster import Pace
from core.store.riak.store import RiakStore

__all__ = ["Pace", "RiakStore"]
