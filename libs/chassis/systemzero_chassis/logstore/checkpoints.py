"""Signed checkpoints in SQL: synchronous, within the caller's transaction.

Invariants:
1. A checkpoint MUST NOT be handed out before the transaction that stored it is committed: every
   checkpoint anyone has seen is stored, and every entry it covers is durable.
2. A checkpoint MUST NOT be signed unless the tree is consistent with the last one stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, bindparam, func, insert, select

from systemzero_chassis.logstore.entries import Entries
from systemzero_chassis.logstore.errors import LogDiverged
from systemzero_chassis.logstore.tables import LogTables
from systemzero_core.errors import DataCorrupted, InvalidInput
from systemzero_core.tlog import (
    Checkpoint,
    LogVerificationError,
    Signer,
    VerifierKey,
    consistency_proof,
    format_time,
    parse_time,
    root_hash,
    verify_checkpoint,
    verify_consistency,
)

_TRUSTED_NOTES: Final = 256


class Checkpoints:
    """The statements on the checkpoints of one set of tables, and the keys that sign them."""

    def __init__(
        self,
        tables: LogTables,
        entries: Entries,
        origin: str,
        keys: Sequence[Ed25519PrivateKey],
        clock: Callable[[], datetime],
    ) -> None:
        table = tables.checkpoints
        of_tenant = table.c.tenant == bindparam("tenant")
        self._entries = entries
        self._origin = origin
        self._keys = tuple(keys)
        self._clock = clock
        self._signers: dict[str, tuple[Signer, ...]] = {}
        # by the note's whole text: a signature that held once holds for ever
        self.trusted = lru_cache(_TRUSTED_NOTES)(self._trusted)
        """The checkpoint in a stored note of a tenant; raises `LogDiverged` if it is not signed."""
        self._insert = insert(table)
        self._at = select(table.c.note).where(of_tenant, table.c.size == bindparam("size"))
        self._time = select(table.c.create_time).where(of_tenant, table.c.size == bindparam("size"))
        self._latest = select(table.c.note).where(of_tenant).order_by(table.c.size.desc()).limit(1)
        self._next_tenant = select(func.min(table.c.tenant)).where(
            table.c.tenant > bindparam("after")
        )

    def origin(self, tenant: str) -> str:
        """The name of the tenant's log, unique in the world if the store's origin is."""
        return f"{self._origin}/{tenant}"

    def verifiers(self, tenant: str) -> tuple[VerifierKey, ...]:
        """The public keys that sign the tenant's checkpoints."""
        return tuple(signer.verifier for signer in self._signers_of(tenant))

    def latest(self, connection: Connection, tenant: str) -> str | None:
        """The stored checkpoint (a signed note) of the greatest size, or None."""
        note: str | None = connection.execute(self._latest, {"tenant": tenant}).scalar()
        return note

    def at(self, connection: Connection, tenant: str, size: int) -> str | None:
        """The stored checkpoint of exactly this size, or None."""
        parameters = {"tenant": tenant, "size": size}
        note: str | None = connection.execute(self._at, parameters).scalar()
        return note

    def time(self, connection: Connection, tenant: str, size: int) -> datetime | None:
        """When the stored checkpoint of this size was signed, or None."""
        time = connection.execute(self._time, {"tenant": tenant, "size": size}).scalar()
        return None if time is None else parse_time(time)

    def publish(self, connection: Connection, tenant: str, size: int | None = None) -> str:
        """The signed checkpoint of this size (all entries by default), stored if it is new.

        Raises:
            InvalidInput: the log has not so many entries.
            LogDiverged: the log does not extend its last checkpoint.
        """
        entries = self._entries.size(connection, tenant)
        size = entries if size is None else size
        if not 0 <= size <= entries:
            raise InvalidInput.at("size", f"the log has {entries} entries")
        stored = self.at(connection, tenant, size)
        if stored is not None:
            return stored
        reader = self._entries.reader(connection, tenant)
        checkpoint = Checkpoint(self.origin(tenant), size, root_hash(size, reader))
        self._check_extends(connection, tenant, checkpoint)
        note = checkpoint.signed(self._signers_of(tenant))
        row = {"tenant": tenant, "size": size, "note": note, "create_time": self._now()}
        connection.execute(self._insert, row)
        return note

    def _trusted(self, tenant: str, note: str) -> Checkpoint:
        try:
            checkpoint = verify_checkpoint(note, self.verifiers(tenant))
        except LogVerificationError as error:
            what = f"its last checkpoint is not one that its key signed ({error.message})"
            raise LogDiverged(tenant, what) from error
        if checkpoint.origin != self.origin(tenant):
            raise LogDiverged(tenant, f"its last checkpoint is of {checkpoint.origin!r}")
        return checkpoint

    def tenants(self, connection: Connection) -> list[str]:
        """Every tenant that has checkpoints, in order."""
        found: list[str] = []
        tenant = connection.execute(self._next_tenant, {"after": ""}).scalar()
        while tenant is not None:
            found.append(tenant)
            tenant = connection.execute(self._next_tenant, {"after": tenant}).scalar()
        return found

    def _check_extends(self, connection: Connection, tenant: str, new: Checkpoint) -> None:
        note = self.latest(connection, tenant)
        if note is None:
            return
        # the new one may be the smaller: an export commits to the size it ended at
        old, new = sorted((self.trusted(tenant, note), new), key=lambda c: c.size)
        reader = self._entries.reader(connection, tenant)
        try:
            proof = consistency_proof(old.size, new.size, reader)
            verify_consistency(old.size, old.root, new.size, new.root, proof)
        except DataCorrupted as error:
            raise LogDiverged(tenant, error.message) from error

    def _signers_of(self, tenant: str) -> tuple[Signer, ...]:
        signers = self._signers.get(tenant)
        if signers is None:
            name = self.origin(tenant)
            signers = self._signers[tenant] = tuple(Signer(name, key) for key in self._keys)
        return signers

    def _now(self) -> str:
        return format_time(self._clock())
