"""A tamper-evident log for each tenant, on any `Database`.

Invariants:
1. An entry is appended within the caller's own write job, so that what happened and the record of
   it commit together or not at all. Its index MUST NOT be told before that job's `write` returned.
2. What is proven is checked before it is handed out; see `reads`.
3. What is signed was written here: each entry has a MAC, and what was committed is remembered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from systemzero_core.errors import FailedPrecondition
from systemzero_core.tlog import Checkpoint
from systemzero_evidence.log.adoption import Adopted, Adoption
from systemzero_evidence.log.authentic import Authentic, Meant, any_entry
from systemzero_evidence.log.check import FullCheck
from systemzero_evidence.log.counts import LogCounts, log_counts
from systemzero_evidence.log.reads import LogReads
from systemzero_evidence.rows.entries import Appended, Entries
from systemzero_evidence.rows.errors import LogDiverged
from systemzero_evidence.rows.macs import Macs
from systemzero_evidence.rows.tables import LogTables
from systemzero_evidence.rows.tail import Tail
from systemzero_evidence.signed.checkpoints import Checkpoints, StoredCheckpoint
from systemzero_evidence.signed.cosignatures import Cosignatures
from systemzero_evidence.signed.heads import Heads
from systemzero_evidence.signed.proofs import Proofs
from systemzero_evidence.signed.witnesses import Cosigner, Witness
from systemzero_storage.database import Database, TenantConnection
from systemzero_storage.tenancy.tenants import tenants_of


def _utc_now() -> datetime:
    return datetime.now(UTC)


class LogStore(LogReads):
    """The logs of all tenants in one set of tables.

    Attributes:
        rotations: the statements that one key of the logs followed another, oldest first.
        cosigners: what asks each witness, in a loop (`witnesses.cosigning`).
    """

    def __init__(
        self,
        database: Database,
        tables: LogTables,
        origin: str,
        keys: Sequence[Ed25519PrivateKey],
        *,
        rotations: Sequence[str] = (),
        witnesses: Sequence[Witness] = (),
        heads: Heads | None = None,
        made: Sequence[Path] = (),
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        """A store; call `check` before anything else.

        Args:
            database: the one that holds `tables`.
            tables: as `log_tables` declared them.
            origin: the start of every log's name, such as `systemzero.example/log`; the tenant's
                id follows after a slash.
            keys: those that sign checkpoints; more than one while they are being rotated.
            rotations: the statements that a key followed another (`tlog.sign_rotation`); what the
                older ones signed is still trusted.
            witnesses: those that are to cosign checkpoints, once they are asked.
            heads: what knows the newest checkpoint of each log outside the database; None for
                memory alone.
            made: the files with key or origin that were made just now, since they were missing: a
                store that has a log already refuses them.
            clock: the time of checkpoints.

        Raises:
            InvalidInput: a witness's key is none, or its URL is not of HTTP.
        """
        macs = Macs(origin, keys)
        entries = Entries(tables, macs)
        tail, kept = Tail(entries, macs), heads or Heads(None)
        checkpoints = Checkpoints(tables, entries, tail, kept, origin, keys, clock, rotations)
        proofs = Proofs(entries, checkpoints)
        super().__init__(database, entries, checkpoints, proofs, tail, kept)
        self._adoption = Adoption(tables, entries, macs)
        self._authentic = Authentic(entries, macs, checkpoints, proofs)
        self._made = tuple(made)
        self._headed = frozenset(self._learn_heads())
        self.rotations = tuple(rotations)
        self._cosignatures = Cosignatures(tables, checkpoints, [each.key for each in witnesses])
        self.cosigners = [
            Cosigner(each, database, checkpoints, self._cosignatures, proofs) for each in witnesses
        ]
        self._tables = tables
        self._unsigned_why = ""
        self._grown: dict[str, None] = {}  # tenants with appends since the last publication

    def append(
        self, own: TenantConnection, kind: str, body: Mapping[str, Any], create_time: datetime
    ) -> Appended:
        """Add an entry to the tenant's log, within a write job.

        Args:
            own: the job's connection, of the tenant whose log it is.
            kind: what is recorded, such as `drift.event`; `[a-z][a-z0-9_.]{0,63}`.
            body: the record, as JSON; it can be erased later, the entry cannot.
            create_time: when it happened, with a time zone.

        Raises:
            InvalidInput: the kind is malformed.
            DataCorrupted: the stored tree is damaged.
        """
        return self._noted(own, self._entries.append(own, kind, body, create_time))

    def _noted(self, own: TenantConnection, appended: Appended) -> Appended:
        """The log is to be signed; and its entry remembered, once it is committed."""
        self._grown[own.tenant] = None
        remember = self._tail.acknowledged.add
        own.after_commit(remember, own.tenant, appended.index, appended.mac)
        return appended

    def erase(
        self,
        own: TenantConnection,
        indexes: Sequence[int],
        create_time: datetime,
        meant: Meant = any_entry,
    ) -> Appended | None:
        """Erase the bodies and salts of entries, within a write job, and record that it was done.

        The entries stay, and every proof of them holds; what they said is gone. Those erased
        before stay so; None if all were. Verification refuses a missing body that no record
        explains. `meant` tells by the entry itself, once it is shown to be the signer's, whether it
        is one to erase.

        Raises:
            NotFound: there is no such entry.
            FailedPrecondition: the entry is itself the record of an erasure.
            DataCorrupted: an entry was altered, or is not meant: nothing is erased.
        """
        erased = self._authentic.erase(own, indexes, create_time, meant)
        return None if erased is None else self._noted(own, erased)

    @property
    def diverged(self) -> str:
        """Why a log is refused; empty while none is.

        The last checkpoints could not be signed since it does not extend the one before, or an
        entry that was to be erased was altered (until an erasure of that log succeeds).
        """
        return self._unsigned_why or next(iter(self._authentic.refused.values()), "")

    async def check(self) -> None:
        """Check at start that every log extends the last checkpoint published of it.

        Raises:
            LogDiverged: one does not, or has an entry that the signer did not write; the message
                says how to recover.
            FailedPrecondition: there are logs, but their key or origin was missing.
        """
        tenants = await self.tenants()
        if tenants and self._made:
            self._refuse_made()
        for tenant in tenants:
            await self._check_tail(tenant)
            self._grown[tenant] = None  # what a crash left without a checkpoint

    def _refuse_made(self) -> None:
        """Take away what was made in the place of a file that is missing, and say which it is."""
        for path in self._made:
            path.unlink(missing_ok=True)
        names = " and ".join(map(str, self._made))
        raise FailedPrecondition(
            f"{names} is missing, and the database holds a log that was begun with it: restore the "
            "file from a backup of the data folder; without it nothing more can be signed"
        )

    def _learn_heads(self) -> Iterator[str]:
        """The tenants of whom a file has a checkpoint of this store's; others are passed over."""
        for tenant, note in self._heads.load():
            with suppress(LogDiverged):
                self._heads.learn(tenant, self._checkpoints.trusted(tenant, note).size, note)
                yield tenant

    async def verify(
        self, tenant: str, progress: Callable[[int], None] = lambda _entries: None
    ) -> Checkpoint:
        """Check everything stored of the tenant's log; the checkpoint of all of it, unsigned.

        More than a client can check of an export: the stored nodes that proofs are made of, every
        checkpoint ever published, and every cosignature, too.

        Args:
            tenant: whose log.
            progress: called with the number of entries checked so far.

        Raises:
            DataCorrupted: names the first entry that is not what was appended.
            LogDiverged: the log does not extend its last checkpoint.
        """
        full = FullCheck(self._entries, self._checkpoints)
        while await self._read_bodies(tenant, full.check_page):
            progress(full.tree.size)
        await self._read_bodies(tenant, lambda c: self._cosignatures.check(c.unscoped, tenant))
        checkpoint = await self._unsigned(tenant, full.tree.size)
        if checkpoint.root != full.tree.root():
            raise LogDiverged(
                tenant, f"its {full.tree.size} entries are not those that were signed"
            )
        await self._check_tail(tenant)
        return checkpoint

    async def adopt(self, tenant: str, create_time: datetime) -> Adopted | None:
        """Take entries in that the signer did not write, and record it; None if there are none.

        For an operator who has read them, while no service has the log open.

        Raises:
            LogDiverged: the log does not extend its last checkpoint.
            DataCorrupted: an entry contradicts its own hashes, or is missing.
        """

        def job(own: TenantConnection) -> Adopted | None:
            signed = self._checkpoints.signed_part(own)
            return self._adoption.adopt(own, signed, create_time)

        return await self._database.of(tenant).write(job)

    async def tenants(self) -> list[str]:
        """Every tenant with a log, in order; also where nothing but its checkpoint is left."""
        return sorted({*await self._database.read(self._tenants), *self._headed})

    def _tenants(self, connection: Connection) -> set[str]:
        tables = (self._entries.table, self._checkpoints.table, self._cosignatures.table)
        return {tenant for table in tables for tenant in tenants_of(connection, table)}

    async def log_counts(self) -> LogCounts:
        """How far the logs of all tenants are."""
        witnesses = self._cosignatures.witnesses
        return await self._database.read(lambda c: log_counts(c, self._tables, witnesses))

    async def cosigned_checkpoints(self, tenant: str) -> list[str]:
        """The newest checkpoint that each witness cosigned, smallest first, with cosignatures.

        Raises:
            DataCorrupted: a checkpoint that was cosigned is gone.
        """
        if not self.cosigners:
            return []
        return await self._look_up(tenant, lambda c: self._cosignatures.newest(c, tenant))

    async def publish_checkpoints(self) -> int:
        """Sign a checkpoint for every log that grew since the last call; how many there were.

        For a background task, once a second. It goes through the writer, behind the appends that
        announced themselves, so that it sees each of them committed or rolled back. A log that
        fails stands in no other's way, and is tried again the next time.

        Raises:
            LogDiverged: a log does not extend its last checkpoint.
        """
        grown, self._grown = self._grown, {}
        outcomes = await asyncio.gather(*map(self._publish, grown), return_exceptions=True)
        failures = [outcome for outcome in outcomes if outcome is not None]
        diverged = [error.message for error in failures if isinstance(error, LogDiverged)]
        self._unsigned_why = diverged[0] if diverged else ""
        for failed in failures:
            raise failed
        return len(grown)

    async def _sign(self, tenant: str, size: int | None = None) -> StoredCheckpoint:
        try:
            return await super()._sign(tenant, size)
        except LogDiverged:
            self._grown[tenant] = None  # whoever publishes tells the operator
            raise

    async def _publish(self, tenant: str) -> None:
        try:
            await self._sign(tenant)
        except BaseException:
            self._grown[tenant] = None  # until it succeeds
            raise
        for cosigner in self.cosigners:
            cosigner.published(tenant)
