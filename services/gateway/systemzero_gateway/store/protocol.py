"""What the gateway asks of the store of keys and tenants. All times in microseconds since 1970."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from systemzero_gateway.access.quotas import NO_QUOTAS, Quotas


class KeyRecord(msgspec.Struct, frozen=True):
    """An API key without its secrets; `scopes` empty means all that the role has."""

    key_id: str
    tenant: str
    name: str
    role: str
    scopes: tuple[str, ...]
    create_time: int
    expire_time: int | None = None
    revoke_time: int | None = None
    last_use_time: int | None = None

    def works(self, now: int) -> bool:
        """Whether it is neither revoked nor expired at `now`."""
        return self.revoke_time is None and (self.expire_time is None or now < self.expire_time)

    def lasts_as_long_as(self, other: KeyRecord) -> bool:
        """Whether it ends no sooner than `other`."""
        if self.expire_time is None or other.expire_time is None:
            return self.expire_time is None
        return self.expire_time >= other.expire_time


class Credential(msgspec.Struct, frozen=True):
    """What a secret or a token stands for.

    `expire_time` is that of the secret, None for never; the key's is its own. `quotas` are those of
    the key's tenant.
    """

    key: KeyRecord
    quotas: Quotas = NO_QUOTAS
    expire_time: int | None = None


class Changes(NamedTuple):
    """The revision, and the tenants that changed up to it; None: any of them may have."""

    revision: int
    tenants: frozenset[str] | None


class KeyStore(Protocol):
    """Keeps keys, their secrets' digests, and tenants.

    Every change but `note_uses` and `forget_tokens` MUST raise the revision in the transaction that
    makes it: replicas that cached an answer see by the revision that it may be stale. Every method
    raises `Unavailable` when the database does not answer.
    """

    async def changes(self, since: int) -> Changes:
        """The revision, a number that grows with every change, and who changed after `since`."""
        ...

    async def find_secret(self, digest: bytes) -> Credential | None:
        """The secret with `digest`, unless its tenant is suspended, or a row of it was altered."""
        ...

    async def find_token(self, tenant: str, key_id: str, token_id: str) -> Credential | None:
        """The key of a token, unless it is revoked, its tenant suspended, or a row was altered.

        One query, scoped by the tenant: whatever it is that is missing or another's, it is looked
        for in the same way.
        """
        ...

    async def add_tenant(self, tenant: str, now: int) -> None:
        """Make sure that `tenant` exists."""
        ...

    async def add_first_key(self, key: KeyRecord, digest: bytes) -> None:
        """As `add_key`, unless its tenant has or had a key."""
        ...

    async def has_keys(self, tenant: str) -> bool:
        """Whether `tenant` has or had any key, revoked ones too."""
        ...

    async def add_key(self, key: KeyRecord, digest: bytes) -> None:
        """Add a key with its first secret."""
        ...

    async def get_key(self, tenant: str, key_id: str) -> KeyRecord:
        """A key of `tenant`.

        Raises:
            NotFound: the tenant has no such key.
            DataCorrupted: its row was altered in the database.
        """
        ...

    async def add_secret(
        self, tenant: str, key_id: str, digest: bytes, now: int, old_expire_time: int
    ) -> None:
        """Give a key one more secret; its others stop working at `old_expire_time` at the latest.

        Raises:
            NotFound: the tenant has no such key.
            DataCorrupted: its row was altered in the database.
            FailedPrecondition: the key is revoked.
        """
        ...

    async def revoke_key(self, tenant: str, key_id: str, now: int) -> KeyRecord:
        """Revoke a key; one that is revoked stays as it is.

        Raises:
            NotFound: the tenant has no such key.
            DataCorrupted: its row was altered in the database.
            FailedPrecondition: it is a full admin's, works, and no other such key of the tenant
                works for as long. Looked at in the same transaction: of two admins who revoke each
                other, one is left.
        """
        ...

    async def list_keys(self, tenant: str, after: str, count: int) -> Sequence[KeyRecord]:
        """At most `count` keys of `tenant` by id, from the first id greater than `after`."""
        ...

    async def note_uses(self, times: Mapping[str, int]) -> None:
        """Note when keys, by id, were used, unless a later use is known; ids of no key are none."""
        ...

    async def revoke_token(self, tenant: str, token_id: str, expire_time: int) -> None:
        """Remember that a token is revoked till `expire_time`, when it is over anyhow."""
        ...

    async def forget_tokens(self, before: int, margin: int) -> None:
        """Forget the revoked tokens that were over `before`, and `margin` before the newest one.

        The second holds even where the clock that says `before` is wrong.
        """
        ...
