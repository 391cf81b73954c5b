"""API keys: creating, rotating, revoking, listing them, and the first one of all.

Invariants:
1. Nobody makes a key, or gets at the new secret of one, that may do what they may not, or that
   works for longer than the credential they came with.
2. Nobody revokes a key that may do what they may not, and nobody the last one of a full admin.
3. A secret leaves this module once, in a `Secret`; the store sees its digest.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from systemzero_base.ids import PageTokens, new_id
from systemzero_base.secrets import Secret, load_or_create_secret
from systemzero_core.characters import printable
from systemzero_core.errors import FailedPrecondition, InvalidInput, PermissionDenied, Unavailable
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import Permissions, Role, granted, permissions_of
from systemzero_gateway.credentials import apikey
from systemzero_gateway.credentials.firstkey import digest_of_first
from systemzero_gateway.credentials.lastuse import LastUses
from systemzero_gateway.store import KeyRecord, KeyStore
from systemzero_wire import fields

DEFAULT_TENANT: Final = "default"
MICROSECONDS: Final = 1_000_000
DEFAULT_OVERLAP: Final = 24 * 3600 * MICROSECONDS
MAX_OVERLAP: Final = 30 * 24 * 3600 * MICROSECONDS

FIRST_KEY: Final = "first admin key"
"""The name of the key with which a tenant begins."""

_MAX_NAME_CHARACTERS: Final = 100
_PEPPER_BYTES: Final = 32


def load_or_create_pepper(path: Path) -> bytes:
    """The secret under which keys are hashed, from the file at `path`, made where there is none.

    Raises:
        FailedPrecondition: the file is open to others or too short.
    """
    try:
        pepper = load_or_create_secret(path, _PEPPER_BYTES)
    except PermissionError as error:
        raise FailedPrecondition(str(error)) from None
    if len(pepper) < _PEPPER_BYTES:
        raise FailedPrecondition(f"{path}: holds no pepper of {_PEPPER_BYTES} bytes")
    return pepper


def page_tokens(pepper: bytes) -> PageTokens:
    """The page tokens of every gateway with this pepper."""
    return PageTokens(hmac.digest(pepper, b"page tokens", "sha256"))


class ApiKeys:
    """The keys of all tenants. Times in microseconds since 1970."""

    def __init__(
        self,
        store: KeyStore,
        pepper: bytes,
        uses: LastUses,
        pages: PageTokens,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._pepper = pepper
        self._uses = uses
        self._clock = clock
        self._pages = pages

    async def bootstrap(self, tenant: str, file: Path) -> None:
        """Create `tenant`, and where it never had a key, its first admin key.

        Its secret is in `file`, unless it was made beforehand: see `firstkey`.

        Raises:
            FailedPrecondition: a file that is there is open to others, or holds something else.
        """
        now = self._clock()
        await self._store.add_tenant(tenant, now)
        if await self._store.has_keys(tenant):
            return
        digest = digest_of_first(tenant, file, self._pepper)
        key = KeyRecord(new_id("key"), tenant, FIRST_KEY, Role.ADMIN, (), now)
        await self._store.add_first_key(key, digest)

    async def create(
        self,
        caller: Caller,
        name: str,
        role: Role,
        scopes: Sequence[str],
        expire_time: int | None,
    ) -> tuple[KeyRecord, Secret]:
        """A new key of the caller's tenant, and its secret.

        Raises:
            InvalidInput: the name, a scope or the expiry is wrong, or the key would outlast the
                caller's credential.
            PermissionDenied: the key could do what the caller may not.
        """
        now, tenant = self._clock(), caller.principal.tenant
        _check(name, permissions_of(tenant, role), scopes, expire_time, now)
        caller.require(granted(tenant, role, scopes))
        if not caller.outlasts(expire_time):
            raise InvalidInput.at(
                "api_key.expire_time", "must be no later than that of the credential of this call"
            )
        key, secret, digest = self.make(tenant, name, role, scopes, expire_time)
        await self._store.add_key(key, digest)
        return key, secret

    def make(
        self, tenant: str, name: str, role: Role, scopes: Sequence[str], expire_time: int | None
    ) -> tuple[KeyRecord, Secret, bytes]:
        """A key that is in no store yet, its secret, and what the store is to know of that."""
        key = KeyRecord(
            *(new_id("key"), tenant, name, role, tuple(sorted(set(scopes)))),
            create_time=self._clock(),
            expire_time=expire_time,
        )
        secret = apikey.new_secret(apikey.kind_of(tenant))
        return key, Secret(secret), apikey.digest(self._pepper, secret)

    async def rotate(
        self, caller: Caller, key_id: str, overlap: int
    ) -> tuple[KeyRecord, Secret, int]:
        """The key, its new secret, and when its old ones stop working: `overlap` from now.

        Raises:
            InvalidInput: the overlap is negative or more than `MAX_OVERLAP`.
            NotFound: the caller's tenant has no such key.
            PermissionDenied: the key may do what the caller may not, or outlasts the caller's
                credential.
            FailedPrecondition: the key is revoked.
        """
        if not 0 <= overlap <= MAX_OVERLAP:
            raise InvalidInput.at("overlap", "must be between nothing and 30 days")
        tenant = caller.principal.tenant
        key = await self._store.get_key(tenant, key_id)
        caller.require(granted(tenant, Role(key.role), key.scopes))
        if not caller.outlasts(key.expire_time):
            raise PermissionDenied("the key works for longer than the credential of this call")
        secret, now = apikey.new_secret(apikey.kind_of(tenant)), self._clock()
        digest = apikey.digest(self._pepper, secret)
        await self._store.add_secret(tenant, key_id, digest, now, now + overlap)
        return key, Secret(secret), now + overlap

    async def revoke(self, caller: Caller, key_id: str) -> KeyRecord:
        """Revoke a key: all its secrets, and the tokens made from it.

        Raises:
            NotFound: the caller's tenant has no such key.
            PermissionDenied: the key may do what the caller may not.
            FailedPrecondition: no other key that may do everything lasts as long.
        """
        tenant = caller.principal.tenant
        key = await self._store.get_key(tenant, key_id)
        caller.require(granted(tenant, Role(key.role), key.scopes))
        return await self._store.revoke_key(tenant, key_id, self._clock())

    async def page(
        self, caller: Caller, page_size: int, page_token: str
    ) -> tuple[Sequence[KeyRecord], str]:
        """One page of the tenant's keys in order of creation, and the token of the next.

        Their last uses are those of all gateways till a minute ago, and of this one till now.

        Raises:
            InvalidInput: the size or the token is wrong.
        """
        tenant, size = caller.principal.tenant, fields.page_size(page_size)
        scope = f"api keys of {tenant}"
        after = "".join(str(part) for part in self._pages.open(scope, page_token))
        with suppress(Unavailable):  # then the reading says so, or they are a little old
            await self._uses.flush()
        keys = await self._store.list_keys(tenant, after, size + 1)
        more = len(keys) > size
        return keys[:size], self._pages.seal(scope, keys[size - 1].key_id) if more else ""


def _check(
    name: str, held: Permissions, scopes: Sequence[str], expire_time: int | None, now: int
) -> None:
    if not 1 <= len(name) <= _MAX_NAME_CHARACTERS or printable(name) != name:
        raise InvalidInput.at("api_key.name", "must be 1 to 100 printable characters")
    foreign = sorted(set(scopes) - held)
    if foreign:
        raise InvalidInput.at("api_key.scopes", f"{foreign[0]} is not a permission of the role")
    if expire_time is not None and expire_time <= now:
        raise InvalidInput.at("api_key.expire_time", "must be in the future")
