"""How a cluster is named in store.url, and the faults a configuration is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from facade.config import Config, ConfigError, load, riak_addresses
from facade.wiring import open_store


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("riak://db:8087", (("db", 8087),)),
        ("riak://db", (("db", 8087),)),
        ("riak://10.0.0.1:10017,db2:10027", (("10.0.0.1", 10017), ("db2", 10027))),
        ("riak://[::1]:8087, [fe80::1]", (("::1", 8087), ("fe80::1", 8087))),
    ],
)
def test_the_nodes_of_a_cluster_are_named(url: str, addresses: tuple[tuple[str, int], ...]) -> None:
    assert riak_addresses(url) == addresses


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("riak:", "names no node: write riak://host:8087,host2:8087"),
        ("riak://", "names no node: write riak://host:8087,host2:8087"),
        ("riak:db:8087", "names no node: write riak://host:8087,host2:8087"),
        ("riak://db:8087,", "'' is not host:port"),
        ("riak://:8087", "':8087' is not host:port"),
        ("riak://db:8087/bucket", "'8087/bucket' is not a port"),
        ("riak://user@db:8087", "'user@db:8087' is not host:port"),
        ("riak://db:eighty", "'eighty' is not a port: give one up to 65535"),
        ("riak://db:0", "'0' is not a port"),
        ("riak://db:65536", "'65536' is not a port"),
    ],
)
def test_a_wrong_name_is_a_fault_of_the_configuration(
    sample_folder: Path, url: str, fault: str
) -> None:
    environ = {"SPINE_STORE_URL": url, "SPINE_STORE_DEADLINE_SECONDS": "0"}
    with pytest.raises(ConfigError) as raised:
        load(sample_folder / "spine.toml", environ)
    told = raised.value.faults
    assert any(fault in one for one in told)
    assert any("store.deadline_seconds" in one for one in told), "all faults at once"


def test_the_store_of_a_riak_url_is_opened_without_asking_a_node(sample_folder: Path) -> None:
    config: Config = load(
        sample_folder / "spine.toml", {"SPINE_STORE_URL": "riak://no-such-host.invalid:8087"}
    )
    store = open_store(config)
    store.close()
    assert type(store).__name__ == "RiakStore"
