"""Runs of alike events, and the decisions that hold of them, for one tenant within a transaction.

Invariants:
1. Of all events of a run the same decisions hold, at any time: they show the same values, on the
   same screen of the same application, and no decision about these values came between. So they
   have the same fingerprint, too, which a group has in common; it decides nothing.
2. A decision about one event alone takes it out of its run, into one of its own, before. The run
   it leaves begins and ends with events that are in it still: pages are read by where runs end.
3. A decision holds of the events that came before it, of no later ones.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, bindparam, delete, func, insert, or_, select, update

from systemzero_core.drift import DecisionScope
from systemzero_diff.store.tables import DECISIONS, EVENTS, RUNS
from systemzero_storage.database import TENANT, TenantConnection

_D, _E, _R = DECISIONS.c, EVENTS.c, RUNS.c
KEY: Final = (
    "fingerprint",
    "values_digest",
    "screen_id",
    "app",
    "day",
    "severity",
    "since",
    "event_id",
)
"""What the events of a run share: columns, of which its key is made."""
SHARED: Final = KEY[: KEY.index("since")]
"""Those of them that each event has, too."""
_SINCE = select(func.coalesce(func.max(_D.position), 0)).where(
    _D.tenant == TENANT, _D.values_digest == bindparam("of_values")
)
_THIS = (_R.tenant == TENANT, _R.run == bindparam("this"))
_RUN = select(RUNS).where(*_THIS)
_INSERT = insert(RUNS)
_OF_THIS = (_E.tenant == TENANT, _E.run == bindparam("this"))
_DROP_LAST = delete(RUNS).where(*_THIS, _R.events == 1)
_TAKE_ONE = (
    update(RUNS)
    .where(*_THIS)
    .values(
        events=_R.events - 1,
        first_time=select(_E.create_time)
        .where(*_OF_THIS)
        .order_by(_E.position)
        .limit(1)
        .scalar_subquery(),
        first_position=select(func.min(_E.position)).where(*_OF_THIS).scalar_subquery(),
        last_position=select(func.max(_E.position)).where(*_OF_THIS).scalar_subquery(),
    )
)
_ADD = update(RUNS).where(*_THIS).values(events=_R.events + 1, last_position=bindparam("last"))
_MOVE = (
    update(EVENTS)
    .where(_E.tenant == TENANT, _E.position == bindparam("at"))
    .values(run=bindparam("to"))
)

OF_RUN: Final[ColumnElement[bool]] = (
    (_D.tenant == _R.tenant)
    & (_D.values_digest == _R.values_digest)
    & (_D.position > _R.since)
    & _D.covers.in_(["event:" + _R.event_id, "screen:" + _R.screen_id, "app:" + _R.app, "tenant:"])
)
"""Whether a decision is about the events of a run."""


def holding(now: int | ColumnElement[int]) -> Any:
    """The kind of the last decision that holds of a run at `now`, as a subquery."""
    in_force = or_(_D.expire_time.is_(None), _D.expire_time > now)
    last = select(_D.kind).where(OF_RUN, in_force).order_by(_D.position.desc()).limit(1)
    return last.correlate(RUNS).scalar_subquery()


def covers(scope: DecisionScope, event: Row[Any]) -> str:
    """Which events a decision about `event` is about, as the column of `decisions` says it."""
    if scope is DecisionScope.SCREEN:
        return f"screen:{event.screen_id}"
    if scope is DecisionScope.APP:
        return f"app:{event.app}"
    if scope is DecisionScope.TENANT:
        return "tenant:"
    return f"event:{event.event_id}"


def key_of(shared: dict[str, Any]) -> bytes:
    """The key of a run, from what its events share: its columns of `KEY`."""
    parts = [str(shared[name]).encode() for name in KEY]
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.blake2b(framed, digest_size=16).digest()


def run_of(connection: TenantConnection, event: dict[str, Any]) -> dict[str, Any]:
    """What a new event, by its columns, shares with others: its run's own columns."""
    of = {"of_values": event["values_digest"]}
    since = connection.execute(_SINCE, of).scalar_one()
    shared = {name: event[name] for name in SHARED} | {"since": since, "event_id": ""}
    return shared | {"run": key_of(shared)}


def add(connection: TenantConnection, run: dict[str, Any], position: int, create_time: int) -> None:
    """Count an event that was just stored to its run."""
    given = {"this": run["run"], "last": position}
    if connection.execute(_ADD, given).rowcount == 0:
        _insert(connection, run, position, create_time)


def set_apart(connection: TenantConnection, event: Row[Any]) -> None:
    """Give an event, a row of `events`, a run of its own, if it has none yet."""
    run = connection.execute(_RUN, {"this": event.run}).one()
    if run.event_id:
        return
    shared = {**{name: getattr(run, name) for name in KEY}, "event_id": event.event_id}
    own = shared | {"run": key_of(shared)}
    _insert(connection, own, event.position, event.create_time)
    connection.execute(_MOVE, {"at": event.position, "to": own["run"]})
    left = {"this": event.run}
    if connection.execute(_DROP_LAST, left).rowcount == 0:
        connection.execute(_TAKE_ONE, left)


def _insert(
    connection: TenantConnection, run: dict[str, Any], position: int, create_time: int
) -> None:
    first = {"events": 1, "first_time": create_time}
    places = {"first_position": position, "last_position": position}
    connection.execute(_INSERT, {**run, **first, **places})
