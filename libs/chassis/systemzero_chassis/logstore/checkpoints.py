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
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Row, bindparam, insert, select, update

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
    split_note,
    verify_checkpoint,
    verify_consistency,
    verify_rotation,
)

_TRUSTED_NOTES: Final = 256


class StoredCheckpoint(NamedTuple):
    """A checkpoint as a signed note, and when it was signed, by the service's clock."""

    note: str
    create_time: datetime


class Checkpoints:
    """The statements on the checkpoints of one set of tables, and the keys that sign them."""

    def __init__(
        self,
        tables: LogTables,
        entries: Entries,
        origin: str,
        keys: Sequence[Ed25519PrivateKey],
        clock: Callable[[], datetime],
        rotations: Sequence[str] = (),
    ) -> None:
        table = tables.checkpoints
        of_tenant = table.c.tenant == bindparam("tenant")
        self._entries = entries
        self._origin = origin
        self._keys = tuple(keys)
        self._clock = clock
        self._rotations = tuple(map(verify_rotation, rotations))
        self._signers: dict[str, tuple[Signer, ...]] = {}
        # by the note's whole text: a signature that held once holds for ever
        self.trusted = lru_cache(_TRUSTED_NOTES)(self._trusted)
        """The checkpoint in a stored note of a tenant; raises `LogDiverged` if it is not signed."""
        self._insert = insert(table)
        self._sign_anew = (
            update(table)
            .where(table.c.tenant == bindparam("of_tenant"), table.c.size == bindparam("of_size"))
            .values(note=bindparam("signed"))
        )
        self.table = table
        stored = select(table.c.note, table.c.create_time).where(of_tenant)
        self._at = stored.where(table.c.size == bindparam("size"))
        self._between = select(table.c.size, table.c.note, table.c.create_time).where(
            of_tenant, table.c.size.between(bindparam("low"), bindparam("high"))
        )
        self._latest = stored.order_by(table.c.size.desc()).limit(1)

    def origin(self, tenant: str) -> str:
        """The name of the tenant's log, unique in the world if the store's origin is."""
        return f"{self._origin}/{tenant}"

    def verifiers(self, tenant: str) -> tuple[VerifierKey, ...]:
        """The public keys of the tenant's log: those that sign now, then those that did before."""
        signing = [signer.verifier for signer in self._signers_of(tenant)]
        name = self.origin(tenant)
        retired = [VerifierKey(name, rotation.old.public_key) for rotation in self._rotations]
        return tuple(dict.fromkeys([*signing, *retired]))

    def latest(self, connection: Connection, tenant: str) -> StoredCheckpoint | None:
        """The stored checkpoint of the greatest size, or None."""
        return _stored(connection.execute(self._latest, {"tenant": tenant}).first())

    def at(self, connection: Connection, tenant: str, size: int) -> StoredCheckpoint | None:
        """The stored checkpoint of exactly this size, or None."""
        parameters = {"tenant": tenant, "size": size}
        return _stored(connection.execute(self._at, parameters).first())

    def between(
        self, connection: Connection, tenant: str, low: int, high: int
    ) -> dict[int, Checkpoint]:
        """The checkpoints stored for sizes from `low` to `high`, by size.

        Raises:
            DataCorrupted: one is not what was signed; the message names its size.
        """
        parameters = {"tenant": tenant, "low": low, "high": high}
        found = {}
        for row in connection.execute(self._between, parameters):
            try:
                checkpoint = self.trusted(tenant, row.note)
                _stored(row)
            except DataCorrupted as error:
                what = f"the checkpoint of {row.size} entries was altered: {error.message}"
                raise DataCorrupted(what) from error
            if checkpoint.size != row.size:
                raise DataCorrupted(
                    f"the checkpoint of {row.size} entries was altered: it is of {checkpoint.size}"
                )
            found[checkpoint.size] = checkpoint
        return found

    def publish(
        self, connection: Connection, tenant: str, size: int | None = None
    ) -> StoredCheckpoint:
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
        if stored is not None and self.is_current(tenant, stored):
            return stored
        reader = self._entries.reader(connection, tenant)
        checkpoint = Checkpoint(self.origin(tenant), size, root_hash(size, reader))
        self._check_extends(connection, tenant, checkpoint)
        if stored is not None:
            return self._signed_anew(connection, tenant, stored, checkpoint)
        note = checkpoint.signed(self._signers_of(tenant))
        time = self._clock()
        row = {"tenant": tenant, "size": size, "note": note, "create_time": format_time(time)}
        connection.execute(self._insert, row)
        return StoredCheckpoint(note, time)

    def is_current(self, tenant: str, stored: StoredCheckpoint) -> bool:
        """Whether every key that signs now signed a stored checkpoint; the next may be new."""
        if not self._rotations:
            return True
        signatures = split_note(stored.note)[1]
        signing = [signer.verifier for signer in self._signers_of(tenant)]
        return all(any(map(key.made, signatures)) for key in signing)

    def _signed_anew(
        self, connection: Connection, tenant: str, stored: StoredCheckpoint, now: Checkpoint
    ) -> StoredCheckpoint:
        """The stored checkpoint with the signatures that it lacks, if it is what the tree says."""
        if self.trusted(tenant, stored.note) != now:
            raise LogDiverged(
                tenant, f"its first {now.size} entries are not those that were signed"
            )
        signatures = split_note(stored.note)[1]
        missing = [s for s in self._signers_of(tenant) if not any(map(s.verifier.made, signatures))]
        note = stored.note + "".join(signer.sign(now.text()) for signer in missing)
        key = {"of_tenant": tenant, "of_size": now.size, "signed": note}
        connection.execute(self._sign_anew, key)
        return stored._replace(note=note)

    def _trusted(self, tenant: str, note: str) -> Checkpoint:
        try:
            checkpoint = verify_checkpoint(note, self.verifiers(tenant))
        except LogVerificationError as error:
            what = f"a checkpoint of it is not one that its key signed ({error.message})"
            raise LogDiverged(tenant, what) from error
        if checkpoint.origin != self.origin(tenant):
            raise LogDiverged(tenant, f"a checkpoint of it is of {checkpoint.origin!r}")
        return checkpoint

    def _check_extends(self, connection: Connection, tenant: str, new: Checkpoint) -> None:
        latest = self.latest(connection, tenant)
        if latest is None:
            return
        # the new one may be the smaller: an export commits to the size it ended at
        old, new = sorted((self.trusted(tenant, latest.note), new), key=lambda c: c.size)
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


def _stored(row: Row[*tuple[Any, ...]] | None) -> StoredCheckpoint | None:
    if row is None:
        return None
    try:
        return StoredCheckpoint(row.note, parse_time(row.create_time))
    except ValueError as error:
        raise DataCorrupted(f"the time of a checkpoint was altered: {error}") from error
