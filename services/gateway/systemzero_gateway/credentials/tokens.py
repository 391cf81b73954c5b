"""Tokens: short-lived JWTs (RFC 7519) made from an API key, by the advice of RFC 8725.

Invariants:
1. One algorithm: Ed25519 by its fully specified name (RFC 9864). The verifier never takes the
   algorithm, or a key, from the token: the header may hold `alg`, `typ` and `kid`, nothing else.
2. A token longer than `MAX_CHARACTERS` is refused before anything of it is parsed.
3. `typ` is `at+jwt` (explicit typing), `iss` and `aud` are checked, and every claim is required.
4. A token never outlives the key it was made from, nor can do more than that key.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from systemzero_base.ids import new_id
from systemzero_core.errors import Unauthenticated
from systemzero_gateway.credentials.signing import SigningKey

ALGORITHM: Final = "Ed25519"
MAX_CHARACTERS: Final = 4_096
CLOCK_SKEW: Final = 5
"""Seconds by which the clocks of two gateways may differ."""
MAX_LIFETIME: Final = 3_600
"""Seconds."""

_TYPE: Final = "at+jwt"


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    typ: str
    kid: str


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token says. `sub` is the key's id; `scopes` are permissions; times in seconds."""

    iss: str
    aud: str
    sub: str
    tenant: str
    role: str
    scopes: tuple[str, ...]
    iat: int
    nbf: int
    exp: int
    jti: str


class Keys(Protocol):
    """Where the keys come from; see `SigningKeys`."""

    def current(self) -> SigningKey:
        """The key that signs now."""
        ...

    def find(self, kid: str) -> OKPKey:
        """The key that verifies; raises KeyError where there is none."""
        ...

    async def load(self) -> None:
        """See what others changed."""
        ...


class TokenIssuer:
    """Signs tokens."""

    def __init__(self, keys: Keys, issuer: str, audience: str, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    def issue(
        self, subject: str, tenant: str, role: str, scopes: Sequence[str], lifetime: int
    ) -> tuple[str, Claims]:
        """A token that lives for `lifetime` seconds, and its claims."""
        now = int(self._clock())
        claims = Claims(
            iss=self._issuer,
            aud=self._audience,
            sub=subject,
            tenant=tenant,
            role=role,
            scopes=tuple(scopes),
            iat=now,
            nbf=now,
            exp=now + lifetime,
            jti=new_id("tok"),
        )
        key = self._keys.current()
        header = {"alg": ALGORITHM, "typ": _TYPE, "kid": key.kid}
        return jwt.encode(header, msgspec.to_builtins(claims), key.jwk, [ALGORITHM]), claims


class TokenVerifier:
    """Verifies tokens by our own keys, by `kid`."""

    def __init__(self, keys: Keys, issuer: str, audience: str, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    async def refresh(self) -> None:
        """See which keys there are now.

        Raises:
            Unavailable: the store does not answer.
        """
        await self._keys.load()

    def verify(self, token: str) -> Claims:
        """The claims of `token`. Whether its key still works is the caller's to find out.

        Raises:
            Unauthenticated: it is malformed, forged, of another issuer or for another audience,
                expired, or not yet valid.
        """
        refused = Unauthenticated("the token is not accepted")
        if len(token) > MAX_CHARACTERS:
            raise refused
        try:
            claims = self._claims(token)
        except (ValueError, KeyError, binascii.Error, msgspec.MsgspecError, JoseError):
            raise refused from None
        now = self._clock()
        ours = claims.iss == self._issuer and claims.aud == self._audience
        begun = claims.iat - CLOCK_SKEW <= now and claims.nbf - CLOCK_SKEW <= now
        if not ours or not begun or now >= claims.exp or claims.exp - claims.iat > MAX_LIFETIME:
            raise refused
        return claims

    def _claims(self, token: str) -> Claims:
        encoded = token.split(".", 1)[0]
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        header = msgspec.json.decode(raw, type=_Header)
        if header.alg != ALGORITHM or header.typ != _TYPE:
            raise ValueError
        decoded = jwt.decode(token, self._keys.find(header.kid), [ALGORITHM])
        return msgspec.convert(decoded.claims, Claims)
