"""The diff store in SQL, on any `Database`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Table, bindparam, delete, insert, select

from systemzero_core.drift import Decision
from systemzero_core.errors import Conflict, FailedPrecondition
from systemzero_diff.model import Answered, NewEvent, RememberedAnswer, StoredDecision, StoredEvent
from systemzero_diff.store import capture_erasure
from systemzero_diff.store.events import EventRows
from systemzero_diff.store.protocol import Transaction
from systemzero_diff.store.sessions import SessionRows
from systemzero_diff.store.tables import ANSWERS, EVENTS, METADATA, VERDICT_BODIES
from systemzero_diff.store.templates import TemplateRows
from systemzero_evidence.log import LogStore
from systemzero_storage.database import TENANT, Database, TenantConnection
from systemzero_storage.following import Followers, Notifier
from systemzero_storage.usage.room import Allowance, StorageQuota

T = TypeVar("T")

FORGET_EVERY: Final = 16
"""About every so many answers that are kept, twice as many old ones are forgotten at most."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ANSWER = select(ANSWERS.c.digest, ANSWERS.c.answer, ANSWERS.c.verdict).where(
    ANSWERS.c.tenant == TENANT, ANSWERS.c.request_id == bindparam("request_id")
)
_KEEP = insert(ANSWERS)
_OLD = (
    select(ANSWERS.c.request_id)
    .where(ANSWERS.c.tenant == TENANT, ANSWERS.c.create_time < bindparam("before"))
    .order_by(ANSWERS.c.create_time)
    .limit(2 * FORGET_EVERY)
)
_FORGET = delete(ANSWERS).where(
    ANSWERS.c.tenant == TENANT, ANSWERS.c.request_id.in_(bindparam("old", expanding=True))
)

ANSWER_MICROSECONDS: Final = 7 * 86_400_000_000
"""For so long, at least, a repeat of a request is answered as the first was."""


class SqlTransaction(TemplateRows, EventRows, SessionRows):
    """See `Transaction`."""

    def __init__(self, connection: TenantConnection, log: LogStore, notifier: Notifier) -> None:
        super().__init__(connection)
        self._log = log
        self._notifier = notifier

    def put_event(self, event: NewEvent, log_index: int) -> StoredEvent:
        """See `Transaction.put_event`."""
        self._then(self._notifier.notify)
        return super().put_event(event, log_index)

    def put_decision(self, decision: Decision, event_id: str, log_index: int) -> StoredDecision:
        """See `Transaction.put_decision`."""
        self._then(self._notifier.forget)
        return super().put_decision(decision, event_id, log_index)

    def _then(self, tell: Callable[[Table, str], None]) -> None:
        """Tell those who follow the events, once this is committed."""
        self._connection.after_commit(tell, EVENTS, self._connection.tenant)

    def answer(self, answered: Answered) -> RememberedAnswer | None:
        """See `Transaction.answer`."""
        if not answered.request_id:
            return None
        key = {"request_id": answered.request_id}
        row = self._connection.execute(_ANSWER, key).one_or_none()
        if row is None:
            return None
        if row.digest != answered.digest:
            raise Conflict("request_id: used before, for another request")
        if row.answer is None:
            raise FailedPrecondition("the answer to this request was erased with its capture")
        answer = self._connection.open(ANSWERS.c.answer, row.answer, answered.request_id)
        verdict = VERDICT_BODIES.read(self._connection, [row.verdict]).get(row.verdict, b"")
        return RememberedAnswer(answer, verdict)

    def keep_answer(
        self, answered: Answered, kept: RememberedAnswer, time: int, capture_id: str = ""
    ) -> None:
        """See `Transaction.keep_answer`; now and then old ones go, so that they never grow many."""
        if not answered.request_id:
            return
        if answered.digest[-1] % FORGET_EVERY == 0:
            before = {"before": time - ANSWER_MICROSECONDS}
            if old := self._connection.execute(_OLD, before).scalars().all():
                self._connection.execute(_FORGET, {"old": old})
        values = {
            "request_id": answered.request_id,
            "digest": answered.digest,
            "answer": self._connection.seal(ANSWERS.c.answer, kept.answer, answered.request_id),
            "verdict": VERDICT_BODIES.put(self._connection, kept.verdict) if kept.verdict else None,
            "create_time": time,
            "capture_id": capture_id or None,
        }
        self._connection.execute(_KEEP, values)

    def append(self, kind: str, body: Mapping[str, Any], time: int) -> int:
        """See `Transaction.append`."""
        return self._log.append(self._connection, kind, body, _moment(time)).index

    def erase_capture(
        self, capture_id: str, time: int, without_texts: Callable[[bytes], bytes]
    ) -> int:
        """See `Transaction.erase_capture`."""
        own = self._connection
        self._then(self._notifier.forget)
        indexes = capture_erasure.erase_events(own, capture_id, time, without_texts)
        if indexes:
            self._log.erase(
                own, indexes, _moment(time), partial(capture_erasure.is_of_capture, capture_id)
            )
        return len(indexes)


def _moment(time: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time)


class SqlDiffStore:
    """See `DiffStore`."""

    def __init__(self, database: Database, log: LogStore, room: StorageQuota | None = None) -> None:
        """`room` holds tenants to their quotas; without it there are none."""
        self._database = database
        self._log = log
        self._room = room or StorageQuota(METADATA, {})
        self.followers: Followers[StoredEvent] = Followers(
            database.notifier, EVENTS, self._last_event, self._events_after, _weight
        )

    async def read(self, tenant: str, job: Callable[[Transaction], T]) -> T:
        """See `DiffStore.read`."""
        return await self._database.of(tenant).read(lambda c: job(self._transaction(c)))

    async def look_up(self, tenant: str, job: Callable[[Transaction], T]) -> T:
        """See `DiffStore.look_up`."""
        return await self._database.of(tenant).look_up(lambda c: job(self._transaction(c)))

    async def write(self, tenant: str, job: Callable[[Transaction], T]) -> T:
        """See `DiffStore.write`."""

        def held(connection: TenantConnection, allowance: Allowance) -> T:
            done = job(self._transaction(connection))
            allowance.check(connection)
            return done

        return await self._room.write(self._database.of(tenant), tenant, held)

    async def write_anyhow(self, tenant: str, job: Callable[[Transaction], T]) -> T:
        """See `DiffStore.write_anyhow`."""
        return await self._database.of(tenant).write(lambda c: job(self._transaction(c)))

    def _transaction(self, connection: TenantConnection) -> SqlTransaction:
        return SqlTransaction(connection, self._log, self._database.notifier)

    async def _last_event(self, tenant: str) -> int:
        return await self.read(tenant, lambda t: t.last_event())

    async def _events_after(self, tenant: str, position: int, count: int) -> Sequence[StoredEvent]:
        return await self.read(tenant, lambda t: t.events_after(position, count))


def _weight(event: StoredEvent) -> int:
    return len(event.event.verdict)
