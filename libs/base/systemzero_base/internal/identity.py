"""The signed internal identity: on whose behalf one service calls another.

A token is `base64url(payload) "." base64url(signature)`, the payload JSON, the signature Ed25519
(RFC 8032) over a context string and the payload. Each service that calls others signs with a key
of its own; each that is called trusts the public keys that it was configured with, by issuer name.

Invariants:
1. A token names its issuer, its audience, one principal, and expires within `LIFETIME` seconds.
2. A missing, forged, foreign or stale token is refused with one and the same error.
3. No network place is trusted: the same check runs for calls within one process.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from contextvars import ContextVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from systemzero_base.internal.quotas import NO_STORAGE_QUOTAS, StorageQuotas
from systemzero_base.lru import Lru
from systemzero_core.errors import Unauthenticated

METADATA_KEY = "sz-identity"
LIFETIME = 30.0
"""Seconds a token lives."""
CLOCK_SKEW = 5.0
"""Seconds by which the clocks of two services may differ."""

_CONTEXT = b"systemzero internal identity\n"
_CACHE_ENTRIES = 10_000
_MAX_TOKEN_CHARACTERS = 4_096


class Principal(msgspec.Struct, frozen=True):
    """Who calls: `tenant` owns everything the call may name; `principal_id` is who acts in it.

    `quotas` are the tenant's own for what it stores.
    """

    tenant: str
    principal_id: str
    quotas: StorageQuotas = NO_STORAGE_QUOTAS


# without quotas it is what a service of an earlier release knows, and may send
class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    iss: str
    aud: str
    sub: str
    tenant: str
    iat: float
    exp: float
    quotas: StorageQuotas = NO_STORAGE_QUOTAS


_encode_payload = msgspec.json.Encoder().encode
_decode_payload = msgspec.json.Decoder(_Payload).decode

_current: ContextVar[Principal] = ContextVar("systemzero_principal")


def current_principal() -> Principal:
    """The principal of the call that is being handled.

    Raises:
        Unauthenticated: there is none: the identity interceptor did not run.
    """
    try:
        return _current.get()
    except LookupError:
        raise Unauthenticated("the call has no identity") from None


def known_principal() -> Principal | None:
    """The principal of the call that is being handled; None in what the service does by itself."""
    return _current.get(None)


def set_current_principal(principal: Principal) -> None:
    """Make `principal` the current one for the rest of this task."""
    _current.set(principal)


class IdentitySigner:
    """Signs identities as `issuer`. Tokens are reused for a third of their life."""

    def __init__(self, issuer: str, key: Ed25519PrivateKey, clock: Callable[[], float]) -> None:
        self.issuer = issuer
        self.public_key = key.public_key()
        self._key = key
        self._clock = clock
        self._cache = Lru[tuple[Principal, str], tuple[float, float, str]](_CACHE_ENTRIES)

    def token(self, principal: Principal, audience: str) -> str:
        """A token by which `audience` will know `principal`, good for at least 20 seconds."""
        now = self._clock()
        cached = self._cache.get((principal, audience))
        # a clock that was set back must not leave tokens that are not valid yet
        if cached is not None and cached[0] <= now < cached[1]:
            return cached[2]
        token = self._sign(principal, audience, now)
        self._cache.put((principal, audience), (now, now + LIFETIME / 3, token))
        return token

    def _sign(self, principal: Principal, audience: str, now: float) -> str:
        payload = _encode_payload(
            _Payload(
                iss=self.issuer,
                aud=audience,
                sub=principal.principal_id,
                tenant=principal.tenant,
                iat=now,
                exp=now + LIFETIME,
                quotas=principal.quotas,
            )
        )
        signature = self._key.sign(_CONTEXT + payload)
        return f"{_b64(payload)}.{_b64(signature)}"


class IdentityVerifier:
    """Verifies identities meant for `audience`, signed by one of the trusted issuers."""

    def __init__(
        self,
        audience: str,
        trusted: Mapping[str, Ed25519PublicKey],
        clock: Callable[[], float],
    ) -> None:
        self._audience = audience
        self._trusted = trusted
        self._clock = clock
        self._cache = Lru[str, tuple[float, tuple[Principal, str]]](_CACHE_ENTRIES)

    def verify(self, token: str | None) -> Principal:
        """The principal that `token` names.

        Raises:
            Unauthenticated: the token is missing, malformed, forged, stale, or for somebody else.
        """
        return self.identify(token)[0]

    def identify(self, token: str | None) -> tuple[Principal, str]:
        """The principal that `token` names, and the issuer that vouches. Raises as `verify`."""
        now = self._clock()
        cached = self._cache.get(token or "")
        if cached is not None and now < cached[0]:
            return cached[1]
        payload = self._payload(token or "", now)
        identity = (Principal(payload.tenant, payload.sub, payload.quotas), payload.iss)
        self._cache.put(token or "", (payload.exp, identity))
        return identity

    def _payload(self, token: str, now: float) -> _Payload:
        refused = Unauthenticated("the internal identity is missing or not accepted")
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise refused
        try:
            encoded, signature = token.split(".")
            raw = _unb64(encoded)
            payload = _decode_payload(raw)
            self._trusted[payload.iss].verify(_unb64(signature), _CONTEXT + raw)
        except (ValueError, KeyError, binascii.Error, msgspec.MsgspecError, InvalidSignature):
            raise refused from None
        current = payload.iat - CLOCK_SKEW <= now < payload.exp
        if not current or payload.exp - payload.iat > LIFETIME or payload.aud != self._audience:
            raise refused
        return payload


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
