"""Whether runs are those that events and decisions, which the log records, make."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, and_, bindparam, exists, func, or_, select

from systemzero_core.errors import DataCorrupted
from systemzero_diff.store.runs import KEY, SHARED, key_of
from systemzero_diff.store.tables import DECISIONS, EVENTS, RUNS
from systemzero_storage.database import TENANT, TenantConnection

_D, _E, _R = DECISIONS.c, EVENTS.c, RUNS.c
_OF_EVENT = (_R.tenant == _E.tenant, _R.run == _E.run)
_DECIDED_ALONE = (
    exists()
    .where(_D.tenant == _E.tenant, _D.event_id == _E.event_id, _D.covers == "event:" + _E.event_id)
    .correlate(EVENTS)
)
_STRAY = (
    select(_E.position)
    .where(
        _E.tenant == TENANT,
        ~exists().where(
            *_OF_EVENT,
            *(_R[name] == _E[name] for name in SHARED),
            or_(and_(_R.event_id == "", ~_DECIDED_ALONE), _R.event_id == _E.event_id),
        ),
    )
    .limit(1)
)
_FOUND = (
    select(
        _E.run,
        func.count().label("count"),
        func.min(_E.position).label("first"),
        func.max(_E.position).label("last"),
        func.min(_E.log_index).label("first_index"),
        func.max(_E.log_index).label("last_index"),
    )
    .where(_E.tenant == TENANT)
    .group_by(_E.run)
    .subquery()
)
_RUNS = (
    select(RUNS, *(column for column in _FOUND.c if column.name != "run"))
    .outerjoin_from(RUNS, _FOUND, _R.run == _FOUND.c.run)
    .where(_R.tenant == TENANT)
)
_FIRST_TIME = select(_E.create_time).where(_E.tenant == TENANT, _E.position == bindparam("at"))


def check_runs(own: TenantConnection) -> None:
    """Check every run of a tenant, once its events and decisions were.

    Raises:
        DataCorrupted: names an event that is in a wrong run, or what was altered of a run.
    """
    stray = own.execute(_STRAY).scalar()
    if stray is not None:
        raise DataCorrupted(f"events row {stray}: run was altered, or its row in runs")
    for run in own.execute(_RUNS).all():
        right = {
            "run": key_of({name: getattr(run, name) for name in KEY}) == run.run,
            "events": run.events == run.count,
            "first_position": run.first_position == run.first,
            "last_position": run.last_position == run.last,
            "first_time": own.execute(_FIRST_TIME, {"at": run.first}).scalar() == run.first_time,
            "since": own.execute(_between(run)).scalar() is None,
        }
        for name, holds in right.items():
            if not holds:
                where = f"events {run.first_position} to {run.last_position}"
                raise DataCorrupted(f"runs row of {where}: {name} was altered")


def _between(run: Row[Any]) -> Any:
    """A decision that the run takes for an earlier or a later one than it was."""
    return (
        select(_D.position)
        .where(
            _D.tenant == TENANT,
            _D.values_digest == run.values_digest,
            or_(
                and_(_D.position > run.since, _D.log_index < run.last_index),
                and_(_D.position <= run.since, _D.log_index > run.first_index),
            ),
        )
        .limit(1)
    )
