"""A key-encryption key that stays in the transit engine of OpenBao or Vault.

The server keeps the key's versions: what an older one wrapped is unwrapped until
`min_decryption_version` or a trim says otherwise. Source:
https://openbao.org/api-docs/secret/transit/.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any, Final, Self
from urllib.parse import urlsplit

from systemzero_base.secrets import Secret, read_private
from systemzero_base.settings.config import ConfigError
from systemzero_core.errors import DataCorrupted, DomainError, FailedPrecondition, Unavailable
from systemzero_storage.sealing.transit_settings import TransitSettings

try:
    import hvac
    import requests
    from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, VaultError
except ImportError:
    raise ConfigError(
        "configuration: encryption.transit: its client is missing: install "
        "`systemzero-storage[transit]`"
    ) from None

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_OTHERS: Final = 0o007
_ALTERED: Final = "message authentication failed"


class TransitKek:
    """See `Kek`; each call is one to the server, in a thread of its own."""

    def __init__(self, settings: TransitSettings) -> None:
        self._settings = settings
        self.id = f"transit:{settings.mount}/{settings.key}"

    @classmethod
    def of(cls, settings: TransitSettings, field: str) -> Self:
        """The key that `settings` name; the server is not asked.

        Raises:
            ConfigError: names `field`, and what is wrong with it.
        """
        parts = urlsplit(settings.url)
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not parts.hostname or not (parts.scheme == "https" or local):
            raise ConfigError(
                f"configuration: {field}.url: must be https://, or http:// to this machine"
            )
        try:
            _token(settings)
            if settings.ca_file:
                settings.ca_file.read_bytes()
        except OSError as error:
            raise ConfigError(f"configuration: {field}: {error}") from None
        return cls(settings)

    async def wrap(self, key: bytes, associated: bytes) -> bytes:
        """See `Kek.wrap`."""
        answer = await self._call("encrypt_data", plaintext=_text(key), **_bound(associated))
        return str(answer["ciphertext"]).encode()

    async def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
        """See `Kek.unwrap`."""
        ciphertext = wrapped.decode("ascii", "replace")
        answer = await self._call("decrypt_data", ciphertext=ciphertext, **_bound(associated))
        return base64.b64decode(answer["plaintext"])

    async def _call(self, method: str, **values: str) -> Any:
        return await asyncio.to_thread(self._ask, lambda transit: getattr(transit, method), values)

    def _ask(self, method: Callable[[Any], Any], values: dict[str, str]) -> Any:
        settings = self._settings
        try:
            client = hvac.Client(
                settings.url,
                token=_token(settings).reveal(),
                verify=str(settings.ca_file) if settings.ca_file else True,
                timeout=settings.timeout,
                allow_redirects=False,
                namespace=settings.namespace or None,
            )
            with client.adapter.session:
                call = method(client.secrets.transit)
                return call(name=settings.key, mount_point=settings.mount, **values)["data"]
        except (VaultError, requests.RequestException, OSError) as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> DomainError:
        """What to tell of a call that failed; nothing of the token or the data."""
        if isinstance(error, InvalidRequest) and _ALTERED in str(error):
            return DataCorrupted("a data key was altered, or is another's")
        if isinstance(error, InvalidPath | InvalidRequest):
            return FailedPrecondition(f"the key server can't use {self.id}: {error.args[0]!s:.200}")
        if isinstance(error, Forbidden):
            return Unavailable(f"the key server refuses the token for {self.id}")
        return Unavailable(f"the key server does not answer: {type(error).__name__}")


def _bound(associated: bytes) -> dict[str, str]:
    return {"associated_data": _text(associated)} if associated else {}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _token(settings: TransitSettings) -> Secret:
    return Secret(read_private(settings.token_file, _OTHERS).decode("ascii", "replace").strip())
