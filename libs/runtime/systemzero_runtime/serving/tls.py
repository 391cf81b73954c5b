"""TLS on a service's port, from files that may change under it; and towards other services.

Invariants:
1. A new certificate serves the next connection; connections and streams that are on go on.
2. Files that can't be used (half-written, a key of another certificate, expired or not valid yet,
   gone) change nothing: what was read last goes on serving, and the log says why, once for each
   state of the files and reason. The next connection tries again: a certificate becomes valid, and
   descriptors come back, without a file that changes.
3. With `client_ca` nobody gets as far as a call without a certificate of one of its authorities.
   What such a certificate stands for is not decided here.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from prometheus_client import Counter

from systemzero_base.secrets import read_private
from systemzero_base.settings.config import ConfigError, Settings

_MAX_FILE_BYTES = 1_000_000
_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_OTHERS = 0o007
"""Mode bits that no key file may have. Its group may read it: so are secrets mounted for a pod."""

State = tuple[tuple[int, int, int], ...]


HANDSHAKES: Final = Counter("rpc_server_handshakes", "TLS handshakes that were begun, by whomever.")


class TlsSettings(Settings, frozen=True):
    """A server's TLS: PEM files.

    Attributes:
        certificate: the chain, the server's own first.
        key: its private key, which none but its user, or a mounted secret's group, may read.
        client_ca: authorities; every client has to have a certificate by one of them.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


class BackendTlsSettings(Settings, frozen=True):
    """TLS to other services: PEM files, read at the start.

    Attributes:
        ca: the authorities to trust.
        certificate: what to show to a server that asks; goes with `key`.
        key: its private key.
        server_name: the name in the server's certificate where it is not the target's.
    """

    ca: Path
    certificate: Path | None = None
    key: Path | None = None
    server_name: str = ""


class ServerTls:
    """A server's certificate as its files have it now."""

    def __init__(
        self, settings: TlsSettings, logger: structlog.typing.FilteringBoundLogger
    ) -> None:
        """Reads the files.

        Raises:
            ConfigError: they can't be used; the message names which and why.
        """
        self._settings = settings
        self._logger = logger
        self._lock = threading.Lock()  # handshakes ask from threads of gRPC's own
        self._seen = self._state()
        self._refused = ""
        self._initial = read_server_files(settings)

    def credentials(self) -> grpc.ServerCredentials:
        """For a server's port, which MUST NOT outlive this object."""
        credentials: grpc.ServerCredentials = grpc.dynamic_ssl_server_credentials(
            self._initial,
            self._changed,
            require_client_authentication=self._settings.client_ca is not None,
        )
        return credentials

    def _changed(self) -> Any:
        """What the next handshake is to use, None for what the last one did."""
        HANDSHAKES.inc()
        with self._lock:
            state = self._state()
            if state == self._seen and not self._refused:
                return None
            told, self._refused = self._refused if state == self._seen else "", ""
            self._seen = state
            try:
                found = read_server_files(self._settings)
                _refuse_early(self._settings.certificate)
            except ConfigError as error:
                self._refused = str(error)
                if told != self._refused:
                    self._logger.warning("certificate not reloaded", error=self._refused)
                return None
            self._logger.info("certificate reloaded", file=str(self._settings.certificate))
            return found

    def _state(self) -> State:
        return tuple(_state_of(path) for path in _files(self._settings))


def read_server_files(settings: TlsSettings) -> grpc.ServerCertificateConfiguration:
    """What a server needs of the files, held against one another.

    Raises:
        ConfigError: names the file and what is wrong with it.
    """
    chain, key = _pair(settings.certificate, settings.key, "tls")
    roots = (
        None if settings.client_ca is None else _certificates(settings.client_ca, "tls.client_ca")
    )
    return grpc.ssl_server_certificate_configuration([(key, chain)], roots)


def check_files(tls: TlsSettings | None, backend_tls: BackendTlsSettings | None) -> None:
    """Check that the files of a service's settings can be used.

    Raises:
        ConfigError: names the file and what is wrong with it.
    """
    if tls is not None:
        read_server_files(tls)
    if backend_tls is not None:
        channel_credentials(backend_tls)


def channel_credentials(settings: BackendTlsSettings) -> grpc.ChannelCredentials:
    """For a channel to another service.

    Raises:
        ConfigError: names the file and what is wrong with it.
    """
    ca = _certificates(settings.ca, "backend_tls.ca")
    if settings.certificate is None and settings.key is None:
        return grpc.ssl_channel_credentials(ca)
    if settings.certificate is None or settings.key is None:
        raise ConfigError("configuration: backend_tls: certificate and key go together")
    chain, key = _pair(settings.certificate, settings.key, "backend_tls")
    return grpc.ssl_channel_credentials(ca, key, chain)


def _files(settings: TlsSettings) -> list[Path]:
    own = [settings.certificate, settings.key]
    return own if settings.client_ca is None else [*own, settings.client_ca]


def _state_of(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _pair(certificate: Path, key: Path, section: str) -> tuple[bytes, bytes]:
    """The PEM of a chain and of its key.

    Raises:
        ConfigError: one can't be used, or they do not belong together.
    """
    chain = _certificates(certificate, f"{section}.certificate")
    secret = _read(key, f"{section}.key", private=True)
    try:
        public = load_pem_private_key(secret, password=None).public_key()
    except (ValueError, TypeError):  # TypeError: it is encrypted
        raise ConfigError(f"configuration: {section}.key: {key} holds no private key") from None
    own = x509.load_pem_x509_certificates(chain)[0]
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if own.public_key().public_bytes(*form) != public.public_bytes(*form):
        raise ConfigError(f"configuration: {section}.key: {key} is not the key of {certificate}")
    if own.not_valid_after_utc <= datetime.now(UTC):
        raise ConfigError(f"configuration: {section}.certificate: {certificate} has expired")
    return chain, secret


def _refuse_early(certificate: Path) -> None:
    """In the place of one that serves; a start has no other, and its own clock may be behind."""
    begin = x509.load_pem_x509_certificates(certificate.read_bytes())[0].not_valid_before_utc
    if begin > datetime.now(UTC):
        raise ConfigError(
            f"configuration: tls.certificate: {certificate} is not valid before "
            f"{begin:%Y-%m-%dT%H:%M:%SZ}"
        )


def _certificates(path: Path, name: str) -> bytes:
    data = _read(path, name)
    try:
        whole = len(x509.load_pem_x509_certificates(data))
    except ValueError:
        raise ConfigError(f"configuration: {name}: {path} holds no certificate") from None
    if whole < data.count(_BEGIN):
        raise ConfigError(f"configuration: {name}: {path} ends within a certificate")
    return data


def _read(path: Path, name: str, *, private: bool = False) -> bytes:
    try:
        data = read_private(path, _OTHERS) if private else path.read_bytes()
    except PermissionError as error:
        raise ConfigError(f"configuration: {name}: {error}") from None
    except OSError as error:
        raise ConfigError(f"configuration: {name}: {path}: {error.strerror}") from None
    if len(data) > _MAX_FILE_BYTES:
        raise ConfigError(f"configuration: {name}: {path} is too large")
    return data
