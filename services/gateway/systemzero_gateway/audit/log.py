"""The audit log: one RFC 6962 log per tenant in the gateway's own database, written behind calls.

Invariants:
1. Nothing here is waited for by a call. An act is in the log some milliseconds after its answer, a
   refusal within the queue's hold and a write; a gateway that is killed in between loses refusals,
   and its next start writes the acts: see `begun`.
2. Writing that fails, for whatever reason, is tried again until it succeeds; what could not be
   written comes first then. Meanwhile the queue fills, and load is shed.
3. `stop` returns when everything is written, or the database has refused it once more.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from systemzero_base.telemetry.logs import SECURITY
from systemzero_base.work.background import Loops
from systemzero_base.work.rounds import apart, raise_all
from systemzero_core.errors import DomainError
from systemzero_evidence.log import LogStore
from systemzero_evidence.signed.witnesses import cosigning
from systemzero_gateway import metrics
from systemzero_gateway.audit.act import Decided, Recorded
from systemzero_gateway.audit.queue import AuditQueue
from systemzero_storage.database import Database, TenantConnection

CHECKPOINT_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 0.5
"""After a write that failed."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class AuditLog:
    """Writes what waits in `queue` to `store`, and signs checkpoints of it."""

    def __init__(
        self,
        queue: AuditQueue,
        database: Database,
        store: LogStore,
        logger: structlog.typing.FilteringBoundLogger,
        loops: Loops,
    ) -> None:
        self.queue = queue
        self.store = store
        self._database = database
        self._logger = logger
        self._security = logger.bind(category=SECURITY)
        self._writing = loops.new("audit_writer", self._write)
        self._signing = loops.new("audit_signer", self._publish, pause=CHECKPOINT_SECONDS)
        self._cosigning = cosigning(loops, store.cosigners)
        self._stopping = False
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """Check the log, as the evidence log is checked, and begin to write.

        Raises:
            LogDiverged: the log does not extend its last checkpoint; the message says what to do.
        """
        await self.store.check()
        for each in (self._writing, self._signing, *self._cosigning):
            each.start()

    async def stop(self) -> None:
        """Write what is left, sign it, and end; after the last call."""
        if self._writing.started:
            await self._finish()
        self.queue.close()

    async def _finish(self) -> None:
        for each in (self._signing, *self._cosigning):
            await each.stop()
        self._stopping = True
        self.queue.hurry()
        # not cancelled: of a write under way nobody would know whether to write it again
        await self._writing.finish()
        self.queue.hurry()
        await self._writing.once_more()
        await self._signing.once_more()

    def look(self) -> None:
        """Set the gauges; see `systemzero_runtime.operations.sampler`."""
        metrics.AUDIT_WAITING.set(len(self.queue))
        metrics.AUDIT_CAPACITY.set(self.queue.capacity)

    async def flush(self) -> bool:
        """Write all that waits, refusals too; whether all of it is written."""
        return await self._write_batch(every=True)

    async def _write(self) -> None:
        await self.queue.wait()
        if not await self._write_batch(every=self._stopping) and not self._stopping:
            await asyncio.sleep(PAUSE_SECONDS)

    async def _write_batch(self, *, every: bool) -> bool:
        """Whether all of it is written.

        Raises:
            ExceptionGroup: some is not, for a reason that is no DomainError; it waits on.
        """
        async with self._one_at_a_time:
            by_tenant: defaultdict[str, list[Recorded]] = defaultdict(list)
            errors: list[Exception] = []
            for entry in self.queue.take(every=every):
                by_tenant[entry.act.tenant].append(entry)
                with apart(errors):  # what can't be told is written all the same
                    self._tell(entry)
            written = await asyncio.gather(
                *(self._append(*item) for item in by_tenant.items()), return_exceptions=True
            )
            errors += [each for each in written if isinstance(each, Exception)]
            raise_all(errors)
            return all(each is True for each in written)

    async def _append(self, tenant: str, entries: list[Recorded]) -> bool:
        def job(connection: TenantConnection) -> None:
            for entry in entries:
                time = _EPOCH + timedelta(microseconds=entry.first_time)
                kind = f"call.{entry.act.decision}"
                self.store.append(connection, kind, entry.body(), time)

        try:
            await self._database.of(tenant).write(job)
        except BaseException as error:
            self.queue.put_back([entry._replace(told=entry.times) for entry in entries])
            if not isinstance(error, DomainError):
                raise
            self._logger.warning("audit.not_written", reason=error.reason, error=error.message)
            return False
        self.queue.written(entries)
        for entry in entries:
            metrics.AUDIT_ENTRIES.labels(entry.act.decision.value).inc()
        return True

    def _tell(self, entry: Recorded) -> None:
        """Have it among the security events: at once, whether or not it can be written here."""
        if entry.times == entry.told:
            return
        told = {**entry.body(), "times": entry.times - entry.told, "tenant": entry.act.tenant}
        denied = entry.act.decision is Decided.DENIED
        tell = self._security.warning if denied else self._security.info
        tell(f"call.{entry.act.decision}", **told)

    async def _publish(self) -> None:
        try:
            await self.store.publish_checkpoints()
        except DomainError as error:
            self._logger.warning("audit.not_signed", reason=error.reason, error=error.message)
