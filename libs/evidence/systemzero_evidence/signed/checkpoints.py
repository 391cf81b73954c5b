"""Signed checkpoints in SQL: synchronous, within the caller's transaction.

Invariants:
1. A checkpoint MUST NOT be handed out before the transaction that stored it is committed: every
   checkpoint anyone has seen is stored, and every entry it covers is durable.
2. A checkpoint MUST NOT be signed unless the tree is consistent with the last one stored, and with
   the last one that is known outside the database.
3. A checkpoint MUST NOT cover an entry that the signer did not write: its MAC is checked before.
4. One transaction checks and signs a bounded number of entries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from systemzero_core.errors import DataCorrupted, InvalidInput
from systemzero_core.tlog import (
    Checkpoint,
    CompactRange,
    LogVerificationError,
    Signer,
    VerifierKey,
    consistency_proof,
    format_time,
    parse_checkpoint,
    parse_time,
    root_hash,
    split_note,
    verify_checkpoint,
    verify_consistency,
    verify_rotation,
)
from systemzero_evidence.rows.entries import Entries
from systemzero_evidence.rows.errors import LogDiverged
from systemzero_evidence.rows.tables import LogTables
from systemzero_evidence.rows.tail import Tail
from systemzero_evidence.signed.heads import Heads
from systemzero_storage.database import TenantConnection

STEP: Final = 10_000
"""So many entries past the last checkpoint one transaction signs at most: about 0.1 s."""

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
        tail: Tail,
        heads: Heads,
        origin: str,
        keys: Sequence[Ed25519PrivateKey],
        clock: Callable[[], datetime],
        rotations: Sequence[str] = (),
    ) -> None:
        table = tables.checkpoints
        of_tenant = table.c.tenant == bindparam("tenant")
        self._entries = entries
        self._tail = tail
        self._heads = heads
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

    def publish(self, own: TenantConnection, size: int | None = None) -> StoredCheckpoint:
        """The signed checkpoint of this size (all entries by default), stored if it is new.

        Of a log that has more than `STEP` entries to check before, it is a smaller one: call again.

        Raises:
            InvalidInput: the log has not so many entries.
            LogDiverged: the log does not extend its last checkpoint, or has an entry that the
                signer did not write.
        """
        connection, tenant = own.unscoped, own.tenant
        entries = self._entries.size(connection, tenant)
        size = entries if size is None else size
        self.check_known(own, entries)
        if not 0 <= size <= entries:
            raise InvalidInput.at("size", f"the log has {entries} entries")
        stored = self.at(connection, tenant, size)
        if stored is not None and self.is_current(tenant, stored):
            return stored
        checkpoint = self.verified(own, size)
        if stored is not None:
            return self._signed_anew(connection, tenant, stored, checkpoint)
        note = checkpoint.signed(self._signers_of(tenant))
        time = self._clock()
        row = {
            "tenant": tenant,
            "size": checkpoint.size,
            "note": note,
            "create_time": format_time(time),
        }
        connection.execute(self._insert, row)
        return StoredCheckpoint(note, time)

    def verified(self, own: TenantConnection, size: int, most: int = STEP) -> Checkpoint:
        """What is to be signed of the first `size` entries, or of `most` past what is signed.

        Raises:
            LogDiverged: they are not what was signed before, or what the signer wrote.
        """
        latest = self.latest(own.unscoped, own.tenant)
        signed = None if latest is None else self.trusted(own.tenant, latest.note)
        if signed is not None and size < signed.size:
            return self._smaller(own, signed, size)
        size = min(size, most + (0 if signed is None else signed.size))
        tree = self._tail.verified(own, signed, size)
        return Checkpoint(self.origin(own.tenant), size, tree.root())

    def signed_part(self, own: TenantConnection) -> CompactRange:
        """The tree that is signed already, checked against the newest checkpoint.

        Raises:
            LogDiverged: the log does not extend it, or one that is known outside the database.
        """
        self.check_known(own, self._entries.size(own.unscoped, own.tenant))
        latest = self.latest(own.unscoped, own.tenant)
        signed = None if latest is None else self.trusted(own.tenant, latest.note)
        return self._tail.verified(own, signed, 0)

    def check_known(self, own: TenantConnection, entries: int) -> None:
        """Check that a log of so many entries has all that was committed or published of it.

        Raises:
            LogDiverged: it was put back to an earlier state, or cut.
        """
        tenant = own.tenant
        latest, known = self.latest(own.unscoped, tenant), self._heads.note(tenant)
        if latest is not None:
            self._check_size(tenant, entries, latest.note)
        if known is not None and (latest is None or latest.note != known):
            self._check_size(tenant, entries, known, self._heads.path(tenant))
            self._tail.verified(own, self.trusted(tenant, known), 0)
        self._tail.acknowledged.check_size(tenant, entries)

    def _check_size(self, tenant: str, entries: int, note: str, path: Path | None = None) -> None:
        size = self.trusted(tenant, note).size
        if entries < size:
            where = "" if path is None else f" ({path} has it)"
            raise LogDiverged(
                tenant,
                f"it has {entries} entries, but a checkpoint was published for {size}{where}: "
                f"the tail from entry {entries} on was cut off",
            )

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
            raise LogDiverged(tenant, self._unknown(tenant, note, error)) from error
        if checkpoint.origin != self.origin(tenant):
            raise LogDiverged(tenant, f"a checkpoint of it is of {checkpoint.origin!r}")
        return checkpoint

    def _unknown(self, tenant: str, note: str, error: LogVerificationError) -> str:
        """What is wrong with a note that no key of the log signed."""
        with suppress(LogVerificationError):
            origin, own = parse_checkpoint(note).origin, self.origin(tenant)
            if origin != own:
                return (
                    f"a checkpoint of it is of {origin!r:.200}, and the origin here is {own!r}: "
                    "put back the file with the origin, or configure it"
                )
        return (
            f"a checkpoint of it is not one that its key signed ({error.message}); if the key "
            "file is another one, put back the one that was there"
        )

    def _smaller(self, own: TenantConnection, signed: Checkpoint, size: int) -> Checkpoint:
        """What is to be signed of a size before the last one signed: an export ended there."""
        reader = self._entries.reader(own.unscoped, own.tenant)
        try:
            new = Checkpoint(self.origin(own.tenant), size, root_hash(size, reader))
            proof = consistency_proof(size, signed.size, reader)
            verify_consistency(size, new.root, signed.size, signed.root, proof)
        except DataCorrupted as error:
            raise LogDiverged(own.tenant, error.message) from error
        return new

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
