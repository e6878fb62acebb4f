"""A local certificate authority: made on this machine, for this machine, never committed."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

CA_DAYS: Final = 3650
DAYS: Final = 825
_BACKDATED: Final = dt.timedelta(hours=1)


class Authority(Struct, frozen=True):
    """A certificate authority: its certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Issued(Struct, frozen=True):
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


def make_authority(name: str, now: dt.datetime) -> Authority:
    """Give a new authority that signs certificates and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(name)
    certificate = (
        _builder(subject, subject, key.public_key(), (now - _BACKDATED, now + _days(CA_DAYS)))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def issue(
    authority: Authority,
    name: str,
    *,
    server: bool,
    valid: tuple[dt.datetime, dt.datetime],
    addresses: tuple[str, ...] = (),
) -> Issued:
    """Give a certificate for a server or a client, signed by the authority.

    A server may also show its own to others: a message handler is both.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    names += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if server:
        purposes.insert(0, ExtendedKeyUsageOID.SERVER_AUTH)
    certificate = (
        _builder(_named(name), authority.certificate.subject, key.public_key(), valid)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    return Issued(_pem(certificate), key_pem(key))


def validity(now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Give from when to when a new certificate is valid."""
    return now - _BACKDATED, now + _days(DAYS)


def certificate_pem(authority: Authority) -> bytes:
    """Give an authority's certificate as PEM."""
    return _pem(authority.certificate)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Give a private key as PEM, unencrypted: the file's mode protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    valid: tuple[dt.datetime, dt.datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Give the key usage that strict X.509 verification demands."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
