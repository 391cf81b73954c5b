"""The figures of a summary, for one tenant within a transaction: of runs, not of their events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, bindparam, case, desc, distinct, func, select

from systemzero_diff.model import Counts, Group
from systemzero_diff.store import rows
from systemzero_diff.store.runs import holding
from systemzero_diff.store.tables import EVENTS, RUNS, VERDICT_BODIES, VERDICT_COUNTS
from systemzero_storage.database import TENANT, TenantConnection

_MOST_GROUPS: Final = 20
_GROUP_SCREENS: Final = 20
_E, _R, _V = EVENTS.c, RUNS.c, VERDICT_COUNTS.c
_AT = select(EVENTS).where(_E.tenant == TENANT, _E.position == bindparam("position"))
_TOLD = (
    select(_E.position)
    .where(_E.tenant == TENANT, _E.run == _R.run, _E.erase_time.is_(None))
    .order_by(_E.position.desc())
    .limit(1)
    .correlate(RUNS)
    .scalar_subquery()
)


def summary(connection: TenantConnection, first_day: str, last_day: str, now: int) -> Counts:
    """See `Transaction.summary`."""
    verdicts = select(_V.day, _V.kind, _V.count).where(
        _V.tenant == TENANT, _V.day.between(first_day, last_day)
    )
    within = (_R.tenant == TENANT, _R.day.between(first_day, last_day))
    events = (
        select(_R.day, _R.severity, func.sum(_R.events))
        .where(*within)
        .group_by(_R.day, _R.severity)
    )
    undecided = select(func.coalesce(func.sum(_R.events), 0)).where(
        _R.tenant == TENANT, holding(now).is_(None)
    )
    execute = connection.execute
    return Counts(
        verdicts=tuple((r[0], r[1], r[2]) for r in execute(verdicts)),
        events=tuple((r[0], r[1], int(r[2])) for r in execute(events)),
        open_events=int(execute(undecided).scalar_one()),
        groups=tuple(_group(connection, row, within) for row in execute(_groups(within, now))),
    )


def _groups(within: Iterable[ColumnElement[bool]], now: int) -> Select[Any]:
    """The largest groups of events by fingerprint, with their figures."""
    runs = select(RUNS, holding(now).label("state")).where(*within).subquery()
    r = runs.c
    return (
        select(
            r.fingerprint,
            func.sum(r.events).label("events"),
            func.sum(case((r.state.is_(None), r.events), else_=0)).label("open_events"),
            func.max(r.severity).label("severity"),
            func.count(distinct(r.screen_id)).label("screens"),
            func.min(r.first_time).label("first_time"),
            func.max(r.last_position).label("last"),
        )
        .group_by(r.fingerprint)
        .order_by(desc("events"), desc("last"))
        .limit(_MOST_GROUPS)
    )


def _group(
    connection: TenantConnection, row: Row[Any], within: Iterable[ColumnElement[bool]]
) -> Group:
    names = (
        select(_R.screen_id)
        .where(*within, _R.fingerprint == row.fingerprint)
        .group_by(_R.screen_id)
        .order_by(_R.screen_id)
        .limit(_GROUP_SCREENS)
    )
    last = told = connection.execute(_AT, {"position": row.last}).one()
    if last.erase_time is not None:  # nobody can decide about it any more
        kept = select(func.max(_TOLD)).where(*within, _R.fingerprint == row.fingerprint)
        if (position := connection.execute(kept).scalar()) is not None:
            told = connection.execute(_AT, {"position": position}).one()
    return Group(
        fingerprint=row.fingerprint,
        events=int(row.events),
        open_events=int(row.open_events),
        severity=row.severity,
        screen_ids=tuple(connection.execute(names).scalars()),
        screens=row.screens,
        first_time=row.first_time,
        last_time=last.create_time,
        last=rows.event_of_row(told, VERDICT_BODIES.read(connection, [told.verdict])).event,
    )
