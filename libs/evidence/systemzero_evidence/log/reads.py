"""What is read of the logs: entries, checkpoints, proofs, documents.

What is proven is checked before it is handed out: a proof that does not hold is an error here, not
at the client.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final, TypeVar

from sqlalchemy import Connection

from systemzero_core.errors import DataCorrupted, InvalidInput, NotFound
from systemzero_core.tlog import (
    Checkpoint,
    Entry,
    checkpoint_line,
    encode_bundle,
    entry_line,
    header_line,
    parse_checkpoint,
)
from systemzero_evidence.log.check import check_tail
from systemzero_evidence.rows.entries import Entries
from systemzero_evidence.rows.tail import Tail
from systemzero_evidence.signed.checkpoints import Checkpoints, StoredCheckpoint
from systemzero_evidence.signed.heads import Heads
from systemzero_evidence.signed.proofs import ConsistencyProof, InclusionProof, Proofs
from systemzero_storage.database import Database, TenantConnection

T = TypeVar("T")

_EXPORT_PAGE: Final = 1000


class LogReads:
    """The part of a log store that appends nothing; a checkpoint is signed where it is missing."""

    def __init__(
        self,
        database: Database,
        entries: Entries,
        checkpoints: Checkpoints,
        proofs: Proofs,
        tail: Tail,
        heads: Heads,
    ) -> None:
        self._database = database
        self._tail = tail
        self._heads = heads
        self._entries = entries
        self._checkpoints = checkpoints
        self._proofs = proofs

    def origin(self, tenant: str) -> str:
        """The name of the tenant's log, the first line of its checkpoints."""
        return self._checkpoints.origin(tenant)

    def vkeys(self, tenant: str) -> tuple[str, ...]:
        """The public keys of the tenant's log as C2SP vkey texts; the one that signs now first."""
        return tuple(map(str, self._checkpoints.verifiers(tenant)))

    async def _look_up(self, tenant: str, job: Callable[[Connection], T]) -> T:
        return await self._database.of(tenant).look_up(lambda c: job(c.unscoped))

    async def _read_bodies(self, tenant: str, job: Callable[[TenantConnection], T]) -> T:
        return await self._database.of(tenant).read(job)

    async def _sign(self, tenant: str, size: int | None = None) -> StoredCheckpoint:
        """Sign the checkpoint of `size` entries (None: of all there are), in bounded steps."""
        while True:
            done, entries = await self._database.of(tenant).write(
                lambda c: (
                    self._checkpoints.publish(c, size),
                    self._entries.size(c.unscoped, tenant) if size is None else size,
                )
            )
            signed = parse_checkpoint(done.note).size
            await self._heads.keep(tenant, signed, done.note)
            self._tail.acknowledged.forget(tenant, signed)
            if signed >= entries:
                return done

    async def _check_tail(self, tenant: str) -> None:
        def job(own: TenantConnection) -> None:
            check_tail(own, self._entries, self._checkpoints)

        await self._read_bodies(tenant, job)

    async def _unsigned(self, tenant: str, size: int) -> Checkpoint:
        """What a checkpoint of `size` entries says; none is signed, for who looks on may not."""

        def job(own: TenantConnection) -> Checkpoint:
            self._checkpoints.check_known(own, self._entries.size(own.unscoped, own.tenant))
            return self._checkpoints.verified(own, size, most=size)

        return await self._read_bodies(tenant, job)

    async def size(self, tenant: str) -> int:
        """The number of entries in the tenant's log."""
        return await self._look_up(tenant, lambda c: self._entries.size(c, tenant))

    async def checkpoint(self, tenant: str) -> str:
        """A signed checkpoint (C2SP note) that covers every entry committed before the call.

        Raises:
            LogDiverged: the log does not extend its last checkpoint.
        """
        return (await self.newest_checkpoint(tenant)).note

    async def newest_checkpoint(self, tenant: str) -> StoredCheckpoint:
        """As `checkpoint`, with the time at which it was signed.

        Raises:
            LogDiverged: the log does not extend its last checkpoint.
        """

        def stored(connection: Connection) -> StoredCheckpoint | None:
            size = self._entries.size(connection, tenant)
            newest = self._checkpoints.at(connection, tenant, size)
            known = max(self._heads.size(tenant), self._tail.acknowledged.size(tenant))
            if newest is None or size < known:
                return None
            return newest if self._checkpoints.is_current(tenant, newest) else None

        found = await self._look_up(tenant, stored)
        if found is not None:
            return found
        return await self._sign(tenant)

    async def checkpoint_at(self, tenant: str, size: int | None) -> str:
        """The signed checkpoint of exactly `size` entries (None: of all there are).

        Raises:
            InvalidInput: the log has not so many entries.
            LogDiverged: the log does not extend its last checkpoint.
        """
        return (await self._sign(tenant, size)).note

    async def get_entry(self, tenant: str, index: int) -> Entry:
        """One entry.

        Raises:
            NotFound: there is none at `index`.
        """
        return await self._read_bodies(tenant, lambda c: self._entries.get(c, index))

    async def list_entries(
        self, tenant: str, start: int = 0, count: int = 100, *, kind: str | None = None
    ) -> list[Entry]:
        """Up to `count` entries from index `start` on, in order; of one kind if asked.

        The next page starts at the last one's index plus one.
        """
        return await self._read_bodies(tenant, lambda c: self._entries.page(c, start, count, kind))

    def page(self, own: TenantConnection, start: int, count: int) -> list[Entry]:
        """As `list_entries`, within a job."""
        return self._entries.page(own, start, count)

    async def inclusion_proof(self, tenant: str, index: int, size: int) -> InclusionProof:
        """The proof that entry `index` is in the log of `size` entries (a checkpoint's).

        Raises:
            NotFound: there is no entry `index`.
            InvalidInput: the log has not `size` entries, or the entry is not among them.
            DataCorrupted: the stored tree is damaged: the proof would not hold.
        """
        return await self._look_up(tenant, lambda c: self._proofs.inclusion(c, tenant, index, size))

    async def consistency_proof(
        self, tenant: str, old_size: int, new_size: int
    ) -> ConsistencyProof:
        """The proof that the log of `new_size` entries begins with that of `old_size`.

        Raises:
            InvalidInput: unless 0 <= old_size <= new_size <= the log's size.
            DataCorrupted: the stored tree is damaged: the proof would not hold.
        """
        return await self._look_up(
            tenant, lambda c: self._proofs.consistency(c, tenant, old_size, new_size)
        )

    async def proof_bundle(self, tenant: str, index: int, *, since: int | None = None) -> bytes:
        """Entry `index` with all it takes to check it offline (`tlog.verify_bundle`), one line.

        Args:
            tenant: whose log.
            index: the entry's.
            since: the size of an older checkpoint, whose consistency proof is put in too.

        Raises:
            NotFound: there is no entry `index`, or no checkpoint of size `since` was published.
            LogDiverged: the log does not extend its last checkpoint.
        """
        entry = await self.get_entry(tenant, index)
        note = await self.checkpoint(tenant)  # after the entry was seen: it covers it
        size = parse_checkpoint(note).size
        proof = await self.inclusion_proof(tenant, index, size)
        extends = None
        if since is not None:
            older = await self._look_up(tenant, lambda c: self._checkpoints.at(c, tenant, since))
            if older is None:
                raise NotFound(f"no checkpoint of size {since} was published")
            consistency = await self.consistency_proof(tenant, since, size)
            extends = (older.note, consistency.hashes)
        return encode_bundle(entry, proof.hashes, note, self.vkeys(tenant), extends=extends)

    async def export(self, tenant: str, start: int = 0) -> AsyncIterator[bytes]:
        """The log as lines for `tlog.verify_export`: header, entries, signed checkpoint.

        The entries are those from index `start` on.

        Entries are given as they are stored: it is the reader's to judge them. The checkpoint is
        that of the entries given, made when the end is reached, so that every erasure seen on the
        way has its record among them. Of a damaged log it is the last one published, against which
        the reader can see what is wrong.
        """
        yield header_line(self.origin(tenant), list(self.vkeys(tenant)))
        size = start
        while page := await self.list_entries(tenant, size, _EXPORT_PAGE):
            for entry in page:
                yield entry_line(entry)
            size = page[-1].index + 1
        yield checkpoint_line(await self._checkpoint_of_export(tenant, size))

    async def _checkpoint_of_export(self, tenant: str, size: int) -> str:
        try:
            return await self.checkpoint_at(tenant, size)
        except (DataCorrupted, InvalidInput):
            latest = await self._look_up(tenant, lambda c: self._checkpoints.latest(c, tenant))
            if latest is None:
                raise
            return latest.note
