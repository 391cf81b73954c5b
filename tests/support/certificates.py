"""Certificates made at test time: an authority, and what it signs."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority of one test."""

    def __init__(self, name: str = "test authority") -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(self.name, self.name, self._key)
        certificate = _with(builder, ca=True).sign(self._key, hashes.SHA256())
        self.pem = certificate.public_bytes(Encoding.PEM)

    def issue(
        self,
        *uris: str,
        subject: str = "test",
        ca: bool = False,
        age: datetime.timedelta = datetime.timedelta(0),
    ) -> tuple[bytes, bytes]:
        """PEM of a certificate for `uris` (none: for a server on this machine) and of its key.

        It is as if made `age` ago, for two days.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        names: Sequence[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
        names = names or [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
        builder = _with(_builder(name, self.name, key, age), ca=ca)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        return signed.public_bytes(Encoding.PEM), pem_of(key)


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write(folder: Path, certificate: bytes, key: bytes, name: str = "server") -> tuple[Path, Path]:
    """The two in files, each replaced at once, as deployments do."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    for path, data in zip(paths, (certificate, key), strict=True):
        replace(path, data)
    return paths


def replace(path: Path, data: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.chmod(0o600)
    os.replace(new, path)  # noqa: PTH105 - as they do


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    age: datetime.timedelta = datetime.timedelta(0),
) -> x509.CertificateBuilder:
    made = datetime.datetime.now(datetime.UTC) - age
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(made - DAY)
        .not_valid_after(made + DAY)
    )


def _with(builder: x509.CertificateBuilder, *, ca: bool) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    basic = x509.BasicConstraints(ca=ca, path_length=None)
    return builder.add_extension(usage, critical=True).add_extension(basic, critical=True)
