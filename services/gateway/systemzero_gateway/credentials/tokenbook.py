"""Tokens as callers ask for them: issuing, introspecting (RFC 7662) and revoking them (RFC 7009).

Invariants:
1. Of what is no active token of the caller's tenant, nobody learns what else it is.
2. A revoked token is remembered until it is over, by its id and tenant, and by nothing else of it.
   No clock alone says so: it may be ahead, and be set right again. What is remembered has to be two
   days past by the clock, and two days older than the newest that was revoked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from systemzero_base.clock import Trust
from systemzero_core.errors import InvalidInput, PermissionDenied, Unauthenticated
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import ALL, Permissions, Role, granted, permissions_of
from systemzero_gateway.credentials.keys import MICROSECONDS
from systemzero_gateway.credentials.tokens import (
    CLOCK_SKEW,
    MAX_LIFETIME,
    Claims,
    TokenIssuer,
    TokenVerifier,
)
from systemzero_gateway.store import Credential, KeyStore

_ANY_TOKEN: Final = frozenset({"key_manage"})
_UNASKED: Final = ALL - {"key_manage"}
_MARGIN: Final = 2 * 86_400 * MICROSECONDS
_ID: Final = re.compile(r"tok_[0-9a-f]{32}", re.ASCII)


class TokenBook:
    """The tokens of all tenants."""

    def __init__(
        self,
        store: KeyStore,
        issuer: TokenIssuer,
        verifier: TokenVerifier,
        lifetime: int,
        clock: Callable[[], int],
    ) -> None:
        """`lifetime` in seconds, where none is asked for; `clock` in microseconds since 1970."""
        self._store = store
        self._issuer = issuer
        self._verifier = verifier
        self._lifetime = lifetime
        self._clock = clock
        self._trust = Trust(clock)

    async def issue(
        self, caller: Caller, lifetime: int | None, scopes: Sequence[str]
    ) -> tuple[str, Claims]:
        """A token for the caller's key, for `lifetime` microseconds but no longer than the key.

        With `scopes` it has only those of the caller's permissions; without, all but managing keys,
        which a token does only where that was asked for by name.

        Raises:
            InvalidInput: the lifetime is out of bounds, or the caller has none of the scopes.
            PermissionDenied: the caller came with a token itself, or with a certificate alone.
        """
        if caller.by_token or not caller.has_key:
            raise PermissionDenied(
                "a token is issued for an API key, not for a token or a certificate"
            )
        permissions = caller.permissions & (frozenset(scopes) or _UNASKED)
        if not permissions:
            raise InvalidInput.at("scopes", "holds none of the key's permissions")
        seconds, principal = self._seconds(lifetime, caller), caller.principal
        key = await self._store.get_key(principal.tenant, principal.principal_id)
        return self._issuer.issue(key.key_id, key.tenant, key.role, sorted(permissions), seconds)

    async def introspect(self, caller: Caller, token: str) -> tuple[Claims, Permissions] | None:
        """What `token` says and may do now; None where it is no active one of the caller's tenant.

        Raises:
            Unavailable: the store does not answer.
        """
        claims = self._verified(token)
        if claims is None:
            return None
        tenant = caller.principal.tenant
        found = await self._store.find_token(tenant, claims.sub, claims.jti)
        if found is None or claims.tenant != tenant or not found.key.works(self._clock()):
            return None
        return claims, _held(found, claims)

    async def revoke(self, caller: Caller, token: str, token_id: str) -> None:
        """Revoke the tenant's token by its text or its id; one of them is given.

        Raises:
            InvalidInput: both or neither are given, or the id is none.
            PermissionDenied: it is another key's, and the caller does not manage keys or may not do
                what it may; by its id alone it may be anybody's.
        """
        if bool(token) == bool(token_id):
            raise InvalidInput.at("token", "either this or token_id is required")
        if token_id:
            await self._revoke_id(caller, token_id)
            return
        claims, principal = self._verified(token), caller.principal
        if claims is not None and claims.tenant == principal.tenant:
            if claims.sub != principal.principal_id:
                caller.require(_ANY_TOKEN)
                caller.require(await self._held(claims))
            # a gateway whose clock is behind still takes the token when others call it over
            expire_time = (claims.exp + CLOCK_SKEW) * MICROSECONDS
            await self._store.revoke_token(claims.tenant, claims.jti, expire_time)

    async def forget(self) -> None:
        """Forget the revoked tokens that are over: not by a clock that may be set back again."""
        if self._trust.look():
            await self._store.forget_tokens(self._clock() - _MARGIN, _MARGIN)

    async def _revoke_id(self, caller: Caller, token_id: str) -> None:
        caller.require(permissions_of(caller.principal.tenant, Role.ADMIN))
        if _ID.fullmatch(token_id) is None:
            raise InvalidInput.at("token_id", "must be a token's id, `tok_…`")
        longest = (MAX_LIFETIME + CLOCK_SKEW) * MICROSECONDS
        await self._store.revoke_token(caller.principal.tenant, token_id, self._clock() + longest)

    async def _held(self, claims: Claims) -> Permissions:
        """What a token may do now; nothing if it works no more."""
        found = await self._store.find_token(claims.tenant, claims.sub, claims.jti)
        return frozenset() if found is None else _held(found, claims)

    def _verified(self, token: str) -> Claims | None:
        try:
            return self._verifier.verify(token)
        except Unauthenticated:
            return None

    def _seconds(self, lifetime: int | None, caller: Caller) -> int:
        wanted = self._lifetime * MICROSECONDS if lifetime is None else lifetime
        if not MICROSECONDS <= wanted <= MAX_LIFETIME * MICROSECONDS:
            raise InvalidInput.at("lifetime", "must be between one second and one hour")
        if caller.end_time is not None:
            wanted = min(wanted, caller.end_time - self._clock())
        return wanted // MICROSECONDS


def _held(found: Credential, claims: Claims) -> Permissions:
    held = granted(found.key.tenant, Role(found.key.role), found.key.scopes)
    return held & frozenset(claims.scopes)
