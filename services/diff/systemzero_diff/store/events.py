"""Statements on events, decisions and counts, for one tenant within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    bindparam,
    desc,
    distinct,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from systemzero_chassis.database import TENANT, TenantConnection
from systemzero_core.drift import Decision, DecisionScope
from systemzero_core.errors import FailedPrecondition, NotFound
from systemzero_diff.model import Counts, EventFilter, Group, NewEvent, StoredDecision, StoredEvent
from systemzero_diff.store import rows
from systemzero_diff.store.scoped import Scoped
from systemzero_diff.store.tables import DECISIONS, ERASED_CAPTURES, EVENTS, VERDICT_COUNTS

_FIRST_DAY: Final = date(1970, 1, 1)
_DAY_MICROSECONDS: Final = 86_400_000_000
_E, _D, _V, _X = EVENTS.c, DECISIONS.c, VERDICT_COUNTS.c, ERASED_CAPTURES.c
_REACH: Mapping[DecisionScope, tuple[str, ...]] = {
    DecisionScope.SCREEN: ("screen_id",),
    DecisionScope.APP: ("app",),
    DecisionScope.TENANT: (),
}
"""Scopes that reach every event of the same changes with the same of these columns."""
_MOST_GROUPS, _GROUP_SCREENS = 20, 20
_EVENTS = select(EVENTS).where(_E.tenant == TENANT)
_AFTER = (
    _EVENTS.where(_E.position > bindparam("position"))
    .order_by(_E.position)
    .limit(bindparam("count"))
)
_ONE = _EVENTS.where(_E.event_id == bindparam("event_id"))
_LAST = select(func.coalesce(func.max(_E.position), 0)).where(_E.tenant == TENANT)
_DECISIONS_OF = (
    select(DECISIONS)
    .where(_D.tenant == TENANT, _D.event_id.in_(bindparam("ids", expanding=True)))
    .order_by(_D.position)
)
_DECISIONS_AFTER = (
    select(DECISIONS)
    .where(_D.tenant == TENANT, _D.position > bindparam("position"))
    .order_by(_D.position)
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


def _last_decision(now: int | ColumnElement[int]) -> Any:
    """The kind of an event's last decision that holds at `now`, as a subquery by event."""
    holds = or_(_D.expire_time.is_(None), _D.expire_time > now)
    return (
        select(_D.kind)
        .where(_D.tenant == _E.tenant, _D.event_id == _E.event_id, holds)
        .order_by(_D.position.desc())
        .limit(1)
        .scalar_subquery()
    )


_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "screen_id": _E.screen_id == bindparam("screen_id"),
    "min_severity": _E.severity >= bindparam("min_severity"),
    "fingerprint": _E.fingerprint == bindparam("fingerprint"),
    "open": _last_decision(bindparam("now")).is_(None),
    "decided": _last_decision(bindparam("now")) == bindparam("decided"),
    "before": _E.position < bindparam("before"),
}


@lru_cache  # a statement that is made anew is checked and compiled anew
def _listing(conditions: frozenset[str]) -> Select[Any]:
    """Events that meet all of these `_CONDITIONS`, the newest first."""
    chosen = (_CONDITIONS[name] for name in sorted(conditions))
    return _EVENTS.where(*chosen).order_by(_E.position.desc()).limit(bindparam("count"))


class EventRows(Scoped):
    """See `Transaction`."""

    def put_event(self, event: NewEvent, log_index: int) -> StoredEvent:
        """See `Transaction.put_event`."""
        values = {
            **rows.event_values(self._connection, event),
            "day": day_of(event.create_time),
            "log_index": log_index,
        }
        given = {f"new_{name}": value for name, value in values.items()}
        position = self._connection.execute(_INSERT_EVENT, given).scalar()
        if position is None:
            raise FailedPrecondition(f"capture {event.capture_id} was erased")
        return StoredEvent(event, position, log_index)

    def event(self, event_id: str) -> StoredEvent:
        """See `Transaction.event`."""
        values = {"event_id": event_id}
        found = self._with_decisions(self._connection.execute(_ONE, values).all())
        if not found:
            raise NotFound(f"no event {event_id!r:.120}")
        return found[0]

    def events(self, before: int | None, count: int, chosen: EventFilter) -> Sequence[StoredEvent]:
        """See `Transaction.events`."""
        given: dict[str, Any] = {
            "screen_id": chosen.screen_id,
            "min_severity": chosen.min_severity,
            "fingerprint": chosen.fingerprint,
            "decided" if chosen.state != "open" else "open": chosen.state,
        }
        given = {name: value for name, value in given.items() if value}
        if before is not None:
            given["before"] = before
        statement = _listing(frozenset(given))
        return self._select(statement, count=count, now=chosen.now, **given)

    def events_after(self, position: int, count: int) -> Sequence[StoredEvent]:
        """See `Transaction.events_after`."""
        return self._select(_AFTER, position=position, count=count)

    def last_event(self) -> int:
        """See `Transaction.last_event`."""
        return int(self._connection.execute(_LAST).scalar_one())

    def put_decision(self, decision: Decision, event_id: str, log_index: int) -> StoredDecision:
        """See `Transaction.put_decision`."""
        values = {
            **rows.decision_values(self._connection, decision),
            "event_id": event_id,
            "log_index": log_index,
        }
        self._connection.execute(_INSERT_DECISION, values)
        if decision.scope in _REACH:
            self._connection.execute(_for_alike(self._connection, decision, event_id, log_index))
        return rows.stored_decision(decision, event_id, log_index)

    def decisions_after(self, position: int) -> tuple[int, Sequence[Decision]]:
        """See `Transaction.decisions_after`."""
        values = {"position": position}
        found = self._connection.execute(_DECISIONS_AFTER, values).all()
        last = found[-1].position if found else position
        decisions = [rows.decision_of_row(self._connection, row) for row in found]
        return last, [decision for decision in decisions if decision.edits]

    def count_verdicts(self, counts: Mapping[tuple[str, str], int]) -> None:
        """See `Transaction.count_verdicts`."""
        for (day, kind), count in counts.items():
            key = {"d": day, "k": kind, "n": count}
            if self._connection.execute(_ADD_COUNT, key).rowcount == 0:
                values = {"day": day, "kind": kind, "count": count}
                self._connection.execute(_INSERT_COUNT, values)

    def summary(self, first_day: str, last_day: str, now: int) -> Counts:
        """See `Transaction.summary`."""
        verdicts = select(_V.day, _V.kind, _V.count).where(
            _V.tenant == TENANT, _V.day.between(first_day, last_day)
        )
        events = (
            select(_E.day, _E.severity, func.count())
            .where(_E.tenant == TENANT, _E.day.between(first_day, last_day))
            .group_by(_E.day, _E.severity)
        )
        undecided = select(func.count()).where(_E.tenant == TENANT, _last_decision(now).is_(None))
        execute = self._connection.execute
        within = (_E.tenant == TENANT, _E.day.between(first_day, last_day))
        return Counts(
            verdicts=tuple((r[0], r[1], r[2]) for r in execute(verdicts)),
            events=tuple((r[0], r[1], r[2]) for r in execute(events)),
            open_events=int(execute(undecided.select_from(EVENTS)).scalar_one()),
            groups=tuple(self._group(row, within) for row in execute(_groups(within, now))),
        )

    def _group(self, row: Row[Any], within: Iterable[ColumnElement[bool]]) -> Group:
        names = (
            select(_E.screen_id)
            .where(*within, _E.fingerprint == row.fingerprint)
            .group_by(_E.screen_id)
            .order_by(_E.screen_id)
            .limit(_GROUP_SCREENS)
        )
        last = self._connection.execute(
            select(EVENTS).where(_E.tenant == TENANT, _E.position == row.last)
        ).one()
        return Group(
            fingerprint=row.fingerprint,
            events=row.events,
            open_events=row.events - row.decided,
            severity=row.severity,
            screen_ids=tuple(self._connection.execute(names).scalars()),
            screens=row.screens,
            first_time=row.first_time,
            last=rows.event_of_row(self._connection, last, ()).event,
        )

    def _select(self, statement: Select[Any], **values: Any) -> Sequence[StoredEvent]:
        return self._with_decisions(self._connection.execute(statement, values).all())

    def _with_decisions(self, found: Iterable[Row[Any]]) -> list[StoredEvent]:
        events = list(found)
        if not events:
            return []
        values = {"ids": [event.event_id for event in events]}
        decisions: dict[str, list[StoredDecision]] = {}
        for row in self._connection.execute(_DECISIONS_OF, values):
            decision = rows.decision_of_row(self._connection, row)
            stored = rows.stored_decision(decision, row.event_id, row.log_index)
            decisions.setdefault(row.event_id, []).append(stored)
        return [
            rows.event_of_row(self._connection, event, decisions.get(event.event_id, ()))
            for event in events
        ]


def _for_alike(
    connection: TenantConnection, decision: Decision, event_id: str, log_index: int
) -> Any:
    """Inserts a decision for every other event of the same changes within its scope.

    Their rows say who decided what until when; the edits, which are what the next check goes by,
    stand with the event that was decided about, once.
    """
    values = rows.decision_values(connection, msgspec.structs.replace(decision, edits=()))
    values |= {"log_index": log_index}
    columns = [DECISIONS.c[name] for name in values]
    constants = [literal(value, DECISIONS.c[name].type) for name, value in values.items()]
    covered = alike(decision, event_id)
    return insert(DECISIONS).from_select(
        [_D.tenant, *columns, _D.event_id],
        covered.with_only_columns(TENANT, *constants, _E.event_id),
    )


def alike(decision: Decision, event_id: str) -> Select[Any]:
    """The ids of every other event that a decision about one covers."""
    decided = EVENTS.alias("decided")
    reach = _REACH.get(decision.scope)
    if reach is None:
        return select(_E.event_id).where(false())
    return (
        select(_E.event_id)
        .join_from(EVENTS, decided, _E.fingerprint == decided.c.fingerprint)
        .where(
            _E.tenant == TENANT,
            decided.c.tenant == TENANT,
            decided.c.event_id == event_id,
            _E.event_id != event_id,
            *[_E[name] == decided.c[name] for name in reach],
        )
    )


def _groups(within: Iterable[ColumnElement[bool]], now: int) -> Select[Any]:
    """The largest groups of events by fingerprint, with their figures."""
    # count() leaves out null: what nobody has decided about
    return (
        select(
            _E.fingerprint,
            func.count().label("events"),
            func.count(_last_decision(now)).label("decided"),
            func.max(_E.severity).label("severity"),
            func.count(distinct(_E.screen_id)).label("screens"),
            func.min(_E.create_time).label("first_time"),
            func.max(_E.position).label("last"),
        )
        .where(*within)
        .group_by(_E.fingerprint)
        .order_by(desc("events"), desc("last"))
        .limit(_MOST_GROUPS)
    )
