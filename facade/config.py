"""Configuration: one TOML file, overridden by SPINE_* variables, all faults named at once."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, get_type_hints

from msgspec import Struct
from msgspec.structs import fields

from core.demographics.numbers import pool_of
from core.messaging.records import LANES, SHARDS
from core.values.identity import is_party_key
from facade import ldap_settings


class ConfigError(Exception):
    """The configuration is wrong: every fault, each with its cure."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


NATIONAL_HUB: Final = "YES-0000806"
"""The party key of the national hub, as public captures of its messages show it."""

TEST_NUMBERS: Final = "999000000-999999999"
"""The range of which no person is ever given a number, by the first nine digits."""


class Config(Struct, frozen=True):
    """All settings, their defaults in one place (facade/spine.toml says what each is for).

    A name is the file's section and key joined by an underscore: `server_port` is `port` in
    `[server]`, and the variable SPINE_SERVER_PORT.
    """

    home: Path
    tls_ca: Path
    tls_certificate: Path
    tls_key: Path
    tls_strict: bool = True
    tls_handshake_seconds: float = 5.0
    server_host: str = "0.0.0.0"  # noqa: S104 - a server for other machines
    server_port: int = 8443
    server_workers: int = 2
    server_threads: int = 16
    server_pin_workers: bool = True
    server_request_limit_bytes: int = 5_000_000
    server_read_seconds: float = 30.0
    server_drain_seconds: int = 30
    admin_host: str = "127.0.0.1"
    admin_port: int = 8080
    store_url: str = "sqlite:spine.db"
    store_limit_bytes: int = 0
    store_deadline_seconds: float = 2.0
    demographics_restricted_found_by_place: bool = False
    demographics_max_matches: int = 50
    demographics_max_candidates: int = 500
    demographics_number_pool: str = TEST_NUMBERS
    demographics_restricted_updated: bool = False
    demographics_next_serial_change_number_accepted: bool = False
    demographics_practices_known: bool = False
    demographics_later_rules: bool = True
    hub_party_key: str = NATIONAL_HUB
    itk_clock_skew_seconds: float = 300.0
    delivery_workers: int = 2
    delivery_threads: int = 16
    delivery_per_receiver: int = 16
    delivery_post_seconds: float = 10.0
    delivery_lease_seconds: float = 15.0
    ldap_host: str = "0.0.0.0"  # noqa: S104 - a server for other machines
    ldap_port: int = 0
    ldap_client_certificates: str = "required"
    ldap_plain_host: str = "127.0.0.1"
    ldap_plain_port: int = 0
    ldap_anonymous: bool = True
    ldap_users: str = ""
    ldap_connections: int = 500
    ldap_idle_seconds: float = 900.0
    ldap_message_seconds: float = 10.0
    ldap_message_limit_bytes: int = 262_144
    ldap_filter_depth: int = 32
    ldap_filter_terms: int = 1000
    ldap_size_limit: int = 1000
    ldap_examined_limit: int = 10_000
    ldap_search_seconds: float = 10.0
    log_level: str = "info"


RIAK_PORT: Final = 8087
"""Where a node speaks protocol buffers unless told otherwise."""

DEFAULT_PATH: Final = Path("spine-data/spine.toml")
_PATHS: Final = ("tls_ca", "tls_certificate", "tls_key")
_POSITIVE: Final = (
    "server_workers",
    "server_threads",
    "server_request_limit_bytes",
    "server_drain_seconds",
    "delivery_threads",
    "demographics_max_matches",
    "demographics_max_candidates",
    *ldap_settings.POSITIVE,
)
_LEVELS: Final = ("debug", "info", "warning", "error")


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Give the configuration in a file; raise `ConfigError` with every fault there is."""
    faults: list[str] = []
    values = _read(path, faults)
    _override(values, environ, faults)
    home = path.resolve().parent
    given: dict[str, Any] = {"home": home}
    for name, kind in _kinds().items():
        if name in values:
            given[name] = _typed(name, values.pop(name), kind, faults)
    faults += [f"{_spoken(name)} is not a setting: remove it" for name in values]
    for name in _PATHS:
        if name not in given:
            faults.append(f"{_spoken(name)} is missing: name a PEM file")
        elif isinstance(given[name], Path):
            given[name] = home / given[name]
            if not given[name].is_file():
                faults.append(
                    f"{_spoken(name)}: there is no file {given[name]}: make it, or name another"
                )
    faults += _out_of_range(given)
    faults += ldap_settings.faults(given, home)
    if faults:
        raise ConfigError(tuple(faults))
    return Config(**given)


def _read(path: Path, faults: list[str]) -> dict[str, Any]:
    """Give the file's settings by joined name; what cannot be read is the only fault there is."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        says = f"there is no file {path}: run `spine init`, or name one with --config"
        raise ConfigError((says,)) from error
    except (OSError, UnicodeDecodeError) as error:
        says = f"{path} cannot be read ({error}): check its permissions and encoding"
        raise ConfigError((says,)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((f"{path} is not TOML ({error}): correct that line",)) from error
    values = {}
    for section, table in tables.items():
        if isinstance(table, dict):
            values.update({f"{section}_{key}": value for key, value in table.items()})
        else:
            faults.append(f"{section} stands outside a section: put it into one")
    return values


def _override(values: dict[str, Any], environ: Mapping[str, str], faults: list[str]) -> None:
    for name, kind in _kinds().items():
        text = environ.get(f"SPINE_{name.upper()}")
        if text is None:
            continue
        try:
            values[name] = _PARSERS[kind](text)
        except ValueError:
            faults.append(f"SPINE_{name.upper()}={text} is not {_NAMES[kind]}: correct it")


def _kinds() -> dict[str, type]:
    hints = get_type_hints(Config)
    return {field.name: hints[field.name] for field in fields(Config) if field.name != "home"}


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(text)
    return text == "true"


_PARSERS: Final[dict[type, Callable[[str], Any]]] = {
    bool: _boolean,
    int: int,
    float: float,
    str: str,
    Path: str,
}
_NAMES: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
}


def _typed(name: str, value: Any, kind: type, faults: list[str]) -> Any:  # noqa: ANN401
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is kind:
        return value
    faults.append(f"{_spoken(name)} = {value!r} is not {_NAMES[kind]}: correct it")
    return value


def _out_of_range(given: Mapping[str, Any]) -> list[str]:
    whole = {name: value for name, value in given.items() if type(value) is int}
    faults = [
        f"{_spoken(name)} = {value} is not a port: give one up to 65535"
        for name, value in whole.items()
        if name.endswith("_port") and not 0 <= value <= 65535
    ]
    faults += [
        f"{_spoken(name)} = {value} must be at least 1"
        for name, value in whole.items()
        if name in _POSITIVE and value < 1
    ]
    faults += [
        f"{_spoken(name)} = {value} must be more than 0, and no more than a day"
        for name, value in given.items()
        if type(value) is float and not 0 < value <= 86400
    ]
    if whole.get("store_limit_bytes", 0) < 0:
        faults.append("store.limit_bytes must be 0 (no limit) or more")
    faults += _hub_faults(given)
    if given.get("log_level", "info") not in _LEVELS:
        faults.append(f"log.level = {given['log_level']!r} must be one of {', '.join(_LEVELS)}")
    faults += _pool_faults(given)
    return faults + _store_faults(str(given.get("store_url", "sqlite:")))


def _pool_faults(given: Mapping[str, Any]) -> list[str]:
    try:
        pool_of(str(given.get("demographics_number_pool", TEST_NUMBERS)))
    except ValueError as error:
        return [f"demographics.number_pool: {error}"]
    return []


def _hub_faults(given: Mapping[str, Any]) -> list[str]:
    faults = []
    party_key = given.get("hub_party_key", NATIONAL_HUB)
    if not is_party_key(str(party_key)):
        faults.append(f"hub.party_key = {party_key!r} is not a party key: write it as YES-0000806")
    workers = given.get("delivery_workers", 2)
    if type(workers) is int and not 0 <= workers <= SHARDS:
        faults.append(f"delivery.workers = {workers} must be from 0 to {SHARDS}")
    receiver = given.get("delivery_per_receiver", LANES)
    if type(receiver) is int and receiver < LANES:
        faults.append(
            f"delivery.per_receiver = {receiver} must be at least {LANES}: what a receiver is sent "
            "waits in so many lanes; to send one at a time, make its contract `ordered`"
        )
    lease = given.get("delivery_lease_seconds", 15.0)
    post = given.get("delivery_post_seconds", 10.0)
    if type(lease) is float and type(post) is float and lease < post + 2:
        faults.append(
            f"delivery.lease_seconds = {lease:g} must be at least 2 more than "
            f"delivery.post_seconds = {post:g}"
        )
    return faults


def _spoken(name: str) -> str:
    section, _, key = name.partition("_")
    return f"{section}.{key}"


def riak_addresses(url: str) -> tuple[tuple[str, int], ...]:
    """Give the nodes that `riak://host:8087,host2:8087` names; raise `ValueError` with the cure."""
    if not url.startswith("riak://") or url == "riak://":
        raise ValueError(f"store.url = {url!r} names no node: write riak://host:8087,host2:8087")
    return tuple(_riak_address(url, one) for one in url.removeprefix("riak://").split(","))


def _riak_address(url: str, written: str) -> tuple[str, int]:
    host, colon, port = written.strip().rpartition(":")
    if not colon or "]" in port:
        host, port = written.strip(), str(RIAK_PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or any(one in host for one in "/@ "):
        raise ValueError(
            f"store.url = {url!r}: {written!r} is not host:port: write riak://host:8087,host2:8087"
        )
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
        raise ValueError(f"store.url = {url!r}: {port!r} is not a port: give one up to 65535")
    return host, int(port)


def _store_faults(url: str) -> list[str]:
    scheme = url.partition(":")[0]
    if scheme not in {"memory", "sqlite", "riak"}:
        return [f"store.url = {url!r} must start with sqlite:, riak:// or memory:"]
    try:
        if scheme == "riak":
            riak_addresses(url)
    except ValueError as error:
        return [str(error)]
    return []
