"""The store of the keys that sign tokens. Their private halves are sealed; see the domain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from systemzero_gateway.store._changes import raise_revision
from systemzero_gateway.store.tables import SIGNING_KEYS, TENANTS
from systemzero_storage.database import Database


class SigningKeyRecord(msgspec.Struct, frozen=True):
    """A signing key, sealed; `number` counts them, `sign_time` is from when on it signs."""

    number: int
    kid: str
    sealed: bytes
    sign_time: int


class SigningKeyChange(NamedTuple):
    """What to add, if anything, and the numbers of the keys to drop.

    Where one that is dropped may have signed a token that is not over, that `ends_tokens`.
    """

    add: SigningKeyRecord | None = None
    drop: Sequence[int] = ()
    ends_tokens: bool = False


Plan = Callable[[Sequence[SigningKeyRecord]], SigningKeyChange]


class SigningKeyStore(Protocol):
    """Keeps signing keys, by number. Every method raises `Unavailable` when nobody answers."""

    async def signing_keys(self) -> Sequence[SigningKeyRecord]:
        """All of them."""
        ...

    async def change_signing_keys(self, plan: Plan) -> None:
        """Do what `plan` says about the keys there are, in one transaction.

        Of several gateways that do so at once, each sees what the one before it did. It raises the
        revision, if anything changed; for every tenant, if tokens end.
        """
        ...


class SqlSigningKeyStore:
    """See `SigningKeyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def signing_keys(self) -> Sequence[SigningKeyRecord]:
        """See `SigningKeyStore.signing_keys`."""
        return await self._database.read(_all)

    async def change_signing_keys(self, plan: Plan) -> None:
        """See `SigningKeyStore.change_signing_keys`."""

        def change(connection: Connection) -> None:
            wanted = plan(_all(connection))
            if wanted.add is not None:
                row = msgspec.structs.asdict(wanted.add)
                connection.execute(insert(SIGNING_KEYS).values(row))
            if wanted.drop:
                dropped = SIGNING_KEYS.c.number.in_(wanted.drop)
                connection.execute(delete(SIGNING_KEYS).where(dropped))
            if wanted.add is not None or wanted.drop:
                number = raise_revision(connection)
                if wanted.ends_tokens:
                    connection.execute(update(TENANTS).values(revision=number))

        await self._database.write(change)


def _all(connection: Connection) -> list[SigningKeyRecord]:
    query = select(SIGNING_KEYS).order_by(SIGNING_KEYS.c.number)
    return [_record(row) for row in connection.execute(query)]


def _record(row: Row[Any]) -> SigningKeyRecord:
    return SigningKeyRecord(row.number, row.kid, row.sealed, row.sign_time)
