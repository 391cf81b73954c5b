"""Verdicts as they are stored: each body once for each tenant, by its digest, compressed.

A screen that has drifted is seen again and again until somebody decides: what repeats is a
reference, not the verdict.

Invariants:
1. A body is stored before, or in the transaction in which, a row refers to it.
2. A body that no row refers to any more goes in the transaction that took the last reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

import zstandard
from sqlalchemy import (
    Column,
    LargeBinary,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    select,
)

from systemzero_core.errors import DataCorrupted
from systemzero_storage.database import TENANT, BodyErased, TenantConnection

_LEVEL: Final = 3
_BATCH: Final = 50  # of up to a megabyte each


def verdicts_table(metadata: MetaData) -> Table:
    """The table of a service's verdicts."""
    return Table(
        "verdicts",
        metadata,
        Column("tenant", Text, primary_key=True),
        Column("digest", LargeBinary, primary_key=True),  # SHA-256 of the serialised verdict
        Column("body", LargeBinary, nullable=False),
    )


class VerdictBodies:
    """The statements on such a table, whose rows `users` refer to: columns of other tables."""

    def __init__(self, table: Table, *users: Column[Any]) -> None:
        columns = table.c
        self._body = columns.body
        this = (columns.tenant == TENANT, columns.digest == bindparam("of_digest"))
        some = columns.digest.in_(bindparam("digests", expanding=True))
        self._is_there = select(columns.digest).where(*this)
        self._insert = insert(table)
        self._read = select(columns.digest, columns.body).where(columns.tenant == TENANT, some)
        used = [
            exists(
                select(user).where(
                    and_(user.table.c.tenant == columns.tenant, user == columns.digest)
                )
            )
            for user in users
        ]
        self._drop = delete(table).where(columns.tenant == TENANT, some, *(~each for each in used))
        page = columns.digest > bindparam("after")
        self._page = (
            select(table)
            .where(columns.tenant == TENANT, page)
            .order_by(columns.digest)
            .limit(_BATCH)
        )
        self._unused = (
            select(columns.digest)
            .where(columns.tenant == TENANT, *(~each for each in used))
            .limit(1)
        )
        self._users = " or ".join(user.table.name for user in users)
        first = select(columns.digest).where(columns.tenant == TENANT).limit(_BATCH)
        self._forget = delete(table).where(columns.tenant == TENANT, columns.digest.in_(first))

    def put(self, own: TenantConnection, verdict: bytes) -> bytes:
        """Store a serialised verdict, unless it is there; its digest."""
        digest = verdict_digest(verdict)
        if not self.has(own, digest):
            packed = zstandard.ZstdCompressor(level=_LEVEL).compress(verdict)
            body = own.seal(self._body, packed, digest)
            own.execute(self._insert, {"digest": digest, "body": body})
        return digest

    def has(self, own: TenantConnection, digest: bytes) -> bool:
        """Whether there is a verdict of this digest, also one that can't be opened."""
        return own.execute(self._is_there, {"of_digest": digest}).first() is not None

    def read(self, own: TenantConnection, digests: Iterable[bytes | None]) -> Mapping[bytes, bytes]:
        """The verdicts of these digests, each read once; those that can't be opened are not there.

        Raises:
            DataCorrupted: one was altered.
        """
        wanted = list({digest for digest in digests if digest})
        if not wanted:
            return {}
        found: dict[bytes, bytes] = {}
        for row in own.execute(self._read, {"digests": wanted}):
            if (verdict := self._opened(own, row)) is not None:
                found[row.digest] = verdict
        return found

    def drop_unused(self, own: TenantConnection, digests: Iterable[bytes | None]) -> None:
        """Drop those of some verdicts that no row refers to any more."""
        if gone := list({digest for digest in digests if digest}):
            own.execute(self._drop, {"digests": gone})

    def forget(self, own: TenantConnection) -> int:
        """Drop some verdicts of the tenant, whoever refers to them; how many."""
        return own.execute(self._forget).rowcount

    def check(self, own: TenantConnection, after: bytes = b"") -> bytes:
        """Check the next bodies; the last one's digest, empty after the last.

        Raises:
            DataCorrupted: names one that is not as it was stored, or that nothing refers to.
        """
        last = b""
        for row in own.execute(self._page, {"after": after}).all():
            last = row.digest
            self._opened(own, row)
        unused = own.execute(self._unused).scalar()
        if unused is not None:
            raise DataCorrupted(f"{_named(unused)}: nothing in {self._users} refers to it")
        return last

    def _opened(self, own: TenantConnection, row: Any) -> bytes | None:
        try:
            packed = own.open(self._body, row.body, row.digest)
        except BodyErased:
            return None
        with suppress(zstandard.ZstdError):
            verdict: bytes = zstandard.ZstdDecompressor().decompress(packed)
            if verdict_digest(verdict) == row.digest:
                return verdict
        raise DataCorrupted(f"{_named(row.digest)} was altered")


def _named(digest: bytes) -> str:
    return f"verdicts row 0x{digest.hex()}"


def verdict_digest(verdict: bytes) -> bytes:
    """What stands for a serialised verdict: 32 bytes."""
    return hashlib.sha256(verdict).digest()
