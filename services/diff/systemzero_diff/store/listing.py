"""Pages of events that meet a filter, the newest first, from the runs that meet it.

The work of a page goes with the number of runs, not with that of the events: of a run in another
state no event is read, of the others no more than a page. The newest events of the runs that ended
before a place are in those that ended last; of the runs that go on after it, any may have the next.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Row, Select, bindparam, select, union_all

from systemzero_diff.model import EventFilter
from systemzero_diff.store.runs import holding
from systemzero_diff.store.tables import EVENTS, RUNS
from systemzero_storage.database import TENANT, TenantConnection

_E, _R = EVENTS.c, RUNS.c
_SLOTS: Final = 16
"""Of so many runs one statement reads the next events."""
_END: Final = 2**63 - 1
_BEFORE: Final[BindParameter[int]] = bindparam("before")
_CONDITIONS: Final[Mapping[str, ColumnElement[bool]]] = {
    "screen_id": _R.screen_id == bindparam("screen_id"),
    "min_severity": _R.severity >= bindparam("min_severity"),
    "fingerprint": _R.fingerprint == bindparam("fingerprint"),
    "open": holding(bindparam("now")).is_(None),
    "decided": holding(bindparam("now")) == bindparam("decided"),
}
_AT = (
    select(EVENTS)
    .where(_E.tenant == TENANT, _E.position.in_(bindparam("positions", expanding=True)))
    .order_by(_E.position.desc())
)


def page(
    connection: TenantConnection, before: int | None, count: int, chosen: EventFilter
) -> Sequence[Row[Any]]:
    """Rows of `events` by falling position, below `before` if given."""
    given: dict[str, Any] = {
        "screen_id": chosen.screen_id,
        "min_severity": chosen.min_severity,
        "fingerprint": chosen.fingerprint,
        "decided" if chosen.state != "open" else "open": chosen.state,
    }
    given = {name: value for name, value in given.items() if value}
    place = {"before": _END if before is None else before, "count": count}
    values = {**given, **place, "now": chosen.now}
    going_on, ended = _candidates(frozenset(given))
    runs = [*connection.execute(going_on, values), *connection.execute(ended, values)]
    positions = _next(connection, runs, **place)
    return connection.execute(_AT, {"positions": positions}).all() if positions else []


@lru_cache  # a statement that is made anew is checked and compiled anew
def _candidates(conditions: frozenset[str]) -> tuple[Select[Any], Select[Any]]:
    """Runs that meet the conditions: those on both sides of a place, and the last ones before."""
    met = [_CONDITIONS[name] for name in sorted(conditions)]
    found = select(_R.run, _R.events, _R.first_position, _R.last_position)
    found = found.where(_R.tenant == TENANT, *met).order_by(_R.last_position.desc())
    return (
        found.where(_R.last_position >= _BEFORE, _R.first_position < _BEFORE),
        found.where(_R.last_position < _BEFORE).limit(bindparam("count")),
    )


def _next(
    connection: TenantConnection, runs: Sequence[Row[Any]], before: int, count: int
) -> list[int]:
    """The highest positions below `before` of the events of `runs`, as many as `count`."""
    alone = [run.last_position for run in runs if _is_one(run) and run.last_position < before]
    found = heapq.nlargest(count, alone)
    longer = [run for run in runs if not _is_one(run)]
    for start in range(0, len(longer), _SLOTS):
        some = longer[start : start + _SLOTS]
        floor = found[-1] if len(found) == count else 0
        if all(run.last_position < floor for run in some):
            continue
        found = heapq.nlargest(count, [*found, *_of(connection, some, before, floor, count)])
    return found


def _is_one(run: Row[Any]) -> bool:
    return bool(run.first_position == run.last_position)


def _of(
    connection: TenantConnection, runs: Sequence[Row[Any]], before: int, floor: int, count: int
) -> Iterable[int]:
    slots = {f"run_{slot}": b"" for slot in range(_SLOTS)}
    slots |= {f"run_{slot}": run.run for slot, run in enumerate(runs)}
    values = {**slots, "before": before, "floor": floor, "count": count}
    return connection.execute(_NEXT_OF_SLOTS, values).scalars()


def _slot(number: int) -> Select[Any]:
    some = (
        select(_E.position)
        .where(
            _E.tenant == TENANT,
            _E.run == bindparam(f"run_{number}"),
            _E.position < _BEFORE,
            _E.position > bindparam("floor"),
        )
        .order_by(_E.position.desc())
        .limit(bindparam("count"))
        .subquery()
    )
    return select(some.c.position)


_NEXT_OF_SLOTS: Final = union_all(*map(_slot, range(_SLOTS)))
