"""The diff store in SQL, on any `Database`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, insert, select

from systemzero_chassis.database import Database
from systemzero_chassis.logstore import LogStore
from systemzero_core.errors import Conflict
from systemzero_diff.model import Answered
from systemzero_diff.store.events import EventRows
from systemzero_diff.store.protocol import Transaction
from systemzero_diff.store.tables import ANSWERS
from systemzero_diff.store.templates import TemplateRows

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ANSWER = select(ANSWERS.c.digest, ANSWERS.c.answer).where(
    ANSWERS.c.tenant == bindparam("tenant"), ANSWERS.c.request_id == bindparam("request_id")
)
_KEEP = insert(ANSWERS)


class SqlTransaction(TemplateRows, EventRows):
    """See `Transaction`."""

    def __init__(self, connection: Connection, tenant: str, log: LogStore) -> None:
        super().__init__(connection, tenant)
        self._log = log

    def answer(self, answered: Answered) -> bytes | None:
        """See `Transaction.answer`."""
        if not answered.request_id:
            return None
        key = {"tenant": self._tenant, "request_id": answered.request_id}
        row = self._connection.execute(_ANSWER, key).one_or_none()
        if row is None:
            return None
        if row.digest != answered.digest:
            raise Conflict("request_id: used before, for another request")
        return bytes(row.answer)

    def keep_answer(self, answered: Answered, answer: bytes) -> None:
        """See `Transaction.keep_answer`."""
        if answered.request_id:
            values = {
                "tenant": self._tenant,
                "request_id": answered.request_id,
                "digest": answered.digest,
                "answer": answer,
            }
            self._connection.execute(_KEEP, values)

    def append(self, kind: str, body: Mapping[str, Any], time: int) -> int:
        """See `Transaction.append`."""
        moment = _EPOCH + timedelta(microseconds=time)
        return self._log.append(self._connection, self._tenant, kind, body, moment).index


class SqlDiffStore:
    """See `DiffStore`."""

    def __init__(self, database: Database, log: LogStore) -> None:
        self._database = database
        self._log = log

    async def read(self, tenant: str, job: Callable[[Transaction], T]) -> T:
        """See `DiffStore.read`."""
        return await self._database.read(lambda c: job(SqlTransaction(c, tenant, self._log)))

    async def write(self, tenant: str, job: Callable[[Transaction], T]) -> T:
        """See `DiffStore.write`."""
        return await self._database.write(lambda c: job(SqlTransaction(c, tenant, self._log)))
