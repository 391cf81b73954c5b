"""Tokens as callers ask for them: issuing them for a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from systemzero_core.errors import InvalidInput, PermissionDenied
from systemzero_gateway.caller import Caller
from systemzero_gateway.keys import MICROSECONDS, KeyRing
from systemzero_gateway.tokens import MAX_LIFETIME, Claims, TokenIssuer


class TokenBook:
    """The tokens of all tenants."""

    def __init__(
        self, keys: KeyRing, issuer: TokenIssuer, lifetime: int, clock: Callable[[], int]
    ) -> None:
        """`lifetime` in seconds, where none is asked for; `clock` in microseconds since 1970."""
        self._keys = keys
        self._issuer = issuer
        self._lifetime = lifetime
        self._clock = clock

    async def issue(
        self, caller: Caller, lifetime: int | None, scopes: Sequence[str]
    ) -> tuple[str, Claims]:
        """A token for the caller's key, for `lifetime` microseconds but no longer than the key.

        With `scopes` it has only those of the caller's permissions.

        Raises:
            InvalidInput: the lifetime is out of bounds, or the caller has none of the scopes.
            PermissionDenied: the caller came with a token itself.
        """
        if caller.by_token:
            raise PermissionDenied("a token is issued for an API key, not for a token")
        permissions = caller.permissions
        if scopes:
            permissions &= frozenset(scopes)
            if not permissions:
                raise InvalidInput.at("scopes", "holds none of the key's permissions")
        seconds = self._seconds(lifetime, caller)
        principal, role = caller.principal, await self._keys.role_of(caller)
        return self._issuer.issue(
            principal.principal_id, principal.tenant, role, sorted(permissions), seconds
        )

    def _seconds(self, lifetime: int | None, caller: Caller) -> int:
        wanted = self._lifetime * MICROSECONDS if lifetime is None else lifetime
        if not MICROSECONDS <= wanted <= MAX_LIFETIME * MICROSECONDS:
            raise InvalidInput.at("lifetime", "must be between one second and one hour")
        if caller.expire_time is not None:
            wanted = min(wanted, caller.expire_time - self._clock())
        return wanted // MICROSECONDS
