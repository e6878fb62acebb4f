"""What may be set for LDAP: every fault is named, each with its cure; users have hashes alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from facade import config as configs
from facade.config import Config, ConfigError
from facade.ldap_users import Passwords, hashed, read_users
from legacy_contracts.sds.ldap_names import read_name


def _load(folder: Path, **said: str) -> Config:
    names = {name.upper(): value for name, value in said.items()}
    return configs.load(folder / "spine.toml", {f"SPINE_LDAP_{k}": v for k, v in names.items()})


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"port": "70000"}, "ldap.port = 70000 is not a port"),
        ({"port": "x"}, "SPINE_LDAP_PORT=x is not a whole number"),
        ({"client_certificates": "never"}, "must be one of required, optional"),
        ({"plain_host": "0.0.0.0"}, "ldap.plain_host = '0.0.0.0' is not this machine"),  # noqa: S104
        ({"plain_host": "ldap.test"}, "ldap.plain_host = 'ldap.test' is not this machine"),
        ({"port": "10636", "plain_port": "10636"}, "ldap.plain_port = 10636 is ldap.port too"),
        ({"connections": "0"}, "ldap.connections = 0 must be at least 1"),
        ({"size_limit": "-1"}, "ldap.size_limit = -1 must be at least 1"),
        ({"idle_seconds": "0"}, "ldap.idle_seconds = 0.0 must be more than 0"),
        ({"filter_depth": "500"}, "ldap.filter_depth = 500 must be no more than 100"),
        ({"message_limit_bytes": "10"}, "ldap.message_limit_bytes = 10 must be from 1024"),
        ({"users": "none.toml"}, "make it with `spine ldap password`"),
        (
            {"port": "636", "anonymous": "false", "client_certificates": "optional"},
            "leaves clients without a certificate no way in",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_cure(
    sample_folder: Path, said: dict[str, str], fault: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        _load(sample_folder, **said)
    (told,) = raised.value.faults
    assert fault in told


def test_all_faults_are_named_at_once(sample_folder: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        _load(sample_folder, plain_host="::", connections="0", client_certificates="x")
    assert len(raised.value.faults) == 3


def test_nothing_is_served_unless_a_port_is_set(sample_folder: Path) -> None:
    config = _load(sample_folder)
    assert (config.ldap_port, config.ldap_plain_port) == (0, 0)
    assert (config.ldap_client_certificates, config.ldap_anonymous) == ("required", True)


HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$" + "A" * 43


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "has no [users]"),
        ("[users]\n", "has no [users]"),
        ("[users\n", "is not TOML"),
        ('[users]\n"cn=a" = "secret"', "has no Argon2 hash"),
        (f'[users]\n"cn=a" = "{HASH.replace("19456", "9999999")}"', "has no Argon2 hash"),
        ('[users]\n"cn=a" = 5', "has no Argon2 hash"),
        (f'[users]\n"reader" = "{HASH}"', "is no name: write cn=reader,o=nhs"),
        (f'[users]\n"" = "{HASH}"', "is empty, or there twice"),
        (f'[users]\n"cn=a" = "{HASH}"\n"CN=A" = "{HASH}"', "is empty, or there twice"),
    ],
)
def test_a_file_of_users_that_is_wrong_says_where(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "users.toml"
    path.write_text(text)
    (told,) = read_users(path).faults
    assert fault in told


def test_a_hash_as_openldap_writes_it_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "users.toml"
    path.write_text(f'[users]\n"cn=a,o=nhs" = "{{ARGON2}}{hashed("secret")}"')
    users = read_users(path)
    assert users.faults == []
    passwords = Passwords(users.hashes)
    assert passwords.are_right(read_name("CN=A, o=nhs"), b"secret")
    assert not passwords.are_right(read_name("cn=a,o=nhs"), b"Secret")
    assert not passwords.are_right(read_name("cn=b,o=nhs"), b"secret")


def test_no_hash_holds_its_password() -> None:
    assert "secret" not in hashed("secret")
    assert hashed("secret") != hashed("secret")
