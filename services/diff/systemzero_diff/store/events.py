"""Statements on events, decisions and counts, for one tenant within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Row, bindparam, exists, func, insert, select, update

from systemzero_core.drift import Decision, DecisionKind, Verdict
from systemzero_core.errors import FailedPrecondition, NotFound
from systemzero_diff.model import (
    Checked,
    Counts,
    DecisionEffect,
    EventFilter,
    NewEvent,
    StoredDecision,
    StoredEvent,
)
from systemzero_diff.store import listing, rows, runs
from systemzero_diff.store.scoped import Scoped
from systemzero_diff.store.summary import summary
from systemzero_diff.store.tables import (
    DECISIONS,
    ERASED_CAPTURES,
    EVENTS,
    RUNS,
    VERDICT_BODIES,
    VERDICT_COUNTS,
)
from systemzero_storage.database import TENANT

_FIRST_DAY: Final = date(1970, 1, 1)
_DAY_MICROSECONDS: Final = 86_400_000_000
_MOST_DECISIONS: Final = 64
_DECISION_BYTES: Final = 250_000
"""Where no more decisions are read at a time: some milliseconds of the event loop."""
_E, _D, _V, _X = EVENTS.c, DECISIONS.c, VERDICT_COUNTS.c, ERASED_CAPTURES.c
_EVENTS = select(EVENTS).where(_E.tenant == TENANT)
_AFTER = (
    _EVENTS.where(_E.position > bindparam("position"))
    .order_by(_E.position)
    .limit(bindparam("count"))
)
_NEWEST = _EVENTS.order_by(_E.position.desc()).limit(bindparam("count"))
_BEFORE = _NEWEST.where(_E.position < bindparam("before"))
_ONE = _EVENTS.where(_E.event_id == bindparam("event_id"))
_RECORDED = select(_E.event_id, _E.log_index, _E.verdict).where(
    _E.tenant == TENANT, _E.event_id.in_(bindparam("event_ids", expanding=True))
)
_LAST = select(func.coalesce(func.max(_E.position), 0)).where(_E.tenant == TENANT)
_OF_RUNS = (
    select(RUNS.c.run, _D.position, _D.kind, _D.expire_time)
    .join_from(RUNS, DECISIONS, runs.OF_RUN)
    .where(RUNS.c.tenant == TENANT, RUNS.c.run.in_(bindparam("runs", expanding=True)))
    .order_by(_D.position)
)
_DECISIONS_AT = select(DECISIONS).where(
    _D.tenant == TENANT, _D.position.in_(bindparam("positions", expanding=True))
)
_DECISIONS_AFTER = (
    select(DECISIONS)
    .where(_D.tenant == TENANT, _D.position > bindparam("position"))
    .order_by(_D.position)
    .limit(_MOST_DECISIONS)
)
_GIVEN = [column for column in EVENTS.c if column.name not in ("position", "tenant", "erase_time")]
# nothing is recorded of a capture that was erased
_INSERT_EVENT = (
    insert(EVENTS)
    .from_select(
        [_E.tenant, *_GIVEN],
        select(TENANT, *[bindparam(f"new_{c.name}", type_=c.type) for c in _GIVEN]).where(
            ~exists().where(_X.tenant == TENANT, _X.capture_id == bindparam("new_capture_id"))
        ),
    )
    .returning(_E.position)
)
_INSERT_DECISION = insert(DECISIONS)
_INSERT_COUNT = insert(VERDICT_COUNTS)
_ADD_COUNT = (
    update(VERDICT_COUNTS)
    .where(_V.tenant == TENANT, _V.day == bindparam("d"), _V.kind == bindparam("k"))
    .values(count=_V.count + bindparam("n"))
)


def day_of(time: int) -> str:
    """The UTC day of a time in microseconds, `2026-01-31`."""
    return _day(time // _DAY_MICROSECONDS)


@lru_cache  # every verdict is counted by its day
def _day(since_1970: int) -> str:
    return (_FIRST_DAY + timedelta(since_1970)).isoformat()


class EventRows(Scoped):
    """See `Transaction`."""

    def put_event(self, event: NewEvent, log_index: int) -> StoredEvent:
        """See `Transaction.put_event`."""
        values = {
            **rows.event_values(self._connection, event),
            "day": day_of(event.create_time),
            "log_index": log_index,
        }
        run = runs.run_of(self._connection, values)
        given = {f"new_{name}": value for name, value in values.items()} | {"new_run": run["run"]}
        position = self._connection.execute(_INSERT_EVENT, given).scalar()
        if position is None:
            raise FailedPrecondition(f"capture {event.capture_id} was erased")
        runs.add(self._connection, run, position, event.create_time)
        return StoredEvent(event, position, log_index)

    def recorded(self, event_ids: Sequence[str]) -> Mapping[str, Checked]:
        """See `Transaction.recorded`; of one that was erased with its tenant the body is empty."""
        found = self._connection.execute(_RECORDED, {"event_ids": list(event_ids)}).all()
        bodies = VERDICT_BODIES.read(self._connection, (row.verdict for row in found))
        return {
            row.event_id: Checked(
                Verdict.DRIFT, bodies.get(row.verdict, b""), row.event_id, row.log_index
            )
            for row in found
        }

    def event(self, event_id: str) -> StoredEvent:
        """See `Transaction.event`."""
        values = {"event_id": event_id}
        found = self._with_decisions(self._connection.execute(_ONE, values).all())
        if not found:
            raise NotFound(f"no event {event_id!r:.120}")
        return found[0]

    def events(self, before: int | None, count: int, chosen: EventFilter) -> Sequence[StoredEvent]:
        """See `Transaction.events`."""
        if chosen != EventFilter(now=chosen.now):
            return self._with_decisions(listing.page(self._connection, before, count, chosen))
        if before is None:
            return self._select(_NEWEST, count=count)
        return self._select(_BEFORE, before=before, count=count)

    def events_after(self, position: int, count: int) -> Sequence[StoredEvent]:
        """See `Transaction.events_after`."""
        return self._select(_AFTER, position=position, count=count)

    def last_event(self) -> int:
        """See `Transaction.last_event`."""
        return int(self._connection.execute(_LAST).scalar_one())

    def put_decision(self, decision: Decision, event_id: str, log_index: int) -> StoredDecision:
        """See `Transaction.put_decision`."""
        about = self._connection.execute(_ONE, {"event_id": event_id}).one()
        covers = runs.covers(decision.scope, about)
        if covers.startswith("event:"):
            runs.set_apart(self._connection, about)
        values = {
            **rows.decision_values(self._connection, decision),
            "event_id": event_id,
            "log_index": log_index,
            "values_digest": about.values_digest,
            "covers": covers,
        }
        self._connection.execute(_INSERT_DECISION, values)
        return rows.stored_decision(decision, event_id, log_index)

    def decisions_after(self, position: int) -> tuple[int, Sequence[Decision]]:
        """See `Transaction.decisions_after`."""
        last, size, found = position, 0, []
        for row in self._connection.execute(_DECISIONS_AFTER, {"position": position}).all():
            if size > _DECISION_BYTES:
                break
            last, size = row.position, size + len(row.body)
            found.append(rows.decision_of_row(self._connection, row))
        return last, [decision for decision in found if decision.edits]

    def count_verdicts(self, counts: Mapping[tuple[str, str], int]) -> None:
        """See `Transaction.count_verdicts`."""
        for (day, kind), count in counts.items():
            key = {"d": day, "k": kind, "n": count}
            if self._connection.execute(_ADD_COUNT, key).rowcount == 0:
                values = {"day": day, "kind": kind, "count": count}
                self._connection.execute(_INSERT_COUNT, values)

    def summary(self, first_day: str, last_day: str, now: int) -> Counts:
        """See `Transaction.summary`."""
        return summary(self._connection, first_day, last_day, now)

    def _select(self, statement: Any, **values: Any) -> Sequence[StoredEvent]:
        return self._with_decisions(self._connection.execute(statement, values).all())

    def _with_decisions(self, events: Sequence[Row[Any]]) -> list[StoredEvent]:
        if not events:
            return []
        decided = self._decided({event.run for event in events})
        verdicts = VERDICT_BODIES.read(self._connection, (event.verdict for event in events))
        return [rows.event_of_row(e, verdicts, *decided.get(e.run, ())) for e in events]

    def _decided(
        self, of: Iterable[bytes]
    ) -> dict[bytes, tuple[StoredDecision, tuple[DecisionEffect, ...]]]:
        """Of some runs the last decision, and what holds at any time.

        A decision has a row for each edit in its body: of those that came before the last one, no
        body is read, however many there are.
        """
        about: dict[bytes, list[Row[Any]]] = {}
        for row in self._connection.execute(_OF_RUNS, {"runs": list(of)}):
            about.setdefault(row.run, []).append(row)
        if not about:
            return {}
        wanted = {"positions": list({found[-1].position for found in about.values()})}
        last = {
            row.position: rows.told_decision(self._connection, row)
            for row in self._connection.execute(_DECISIONS_AT, wanted)
        }
        return {run: (last[found[-1].position], _held(found)) for run, found in about.items()}


def _held(decisions: Sequence[Row[Any]]) -> tuple[DecisionEffect, ...]:
    """What holds at some time of decisions, oldest first: what ends after all that came later."""
    found: list[DecisionEffect] = []
    for row in reversed(decisions):
        last = found[-1].expire_time if found else 0
        if last is None:
            break
        if row.expire_time is None or row.expire_time > last:
            found.append(DecisionEffect(DecisionKind(row.kind), row.expire_time))
    return tuple(reversed(found))
