"""Whether the rows of events, decisions and templates are those that the log recorded.

The log proves its own entries; this shows that what is served beside it is the same. Entries and
rows were written together and in one order, so both are read once, side by side.

Invariants:
1. Each entry of these kinds has its rows, and each row its entry: what was deleted or added shows.
2. Every column that says what was seen or decided is compared, with the entry or with what follows
   from it. Of an entry whose body was erased, only its index, kind and time are left to compare,
   and that its row was erased with it, at the time that the log recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec
import zstandard
from sqlalchemy import Connection, Row, Select, Table, func, select

from systemzero_core.drift import DecisionScope, Severity
from systemzero_core.errors import DataCorrupted
from systemzero_core.tlog import ERASURE_KIND, Entry, format_time
from systemzero_diff.digests import (
    DECISION_KIND,
    DELETION_KIND,
    EVENT_KIND,
    VERSION_KIND,
    digest,
)
from systemzero_diff.store import rows
from systemzero_diff.store.events import day_of
from systemzero_diff.store.evidence_runs import check_runs
from systemzero_diff.store.runs import covers
from systemzero_diff.store.tables import DECISIONS, EVENTS, TEMPLATES, VERDICT_BODIES
from systemzero_storage.database import TENANT, BodyErased, TenantConnection
from systemzero_storage.tenancy.tenants import tenants_of

KINDS: Final = frozenset({EVENT_KIND, DECISION_KIND, VERSION_KIND, DELETION_KIND})
"""The kinds of entries that rows stand beside."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RANKS: Final = {severity.value: severity.rank for severity in Severity}

T = TypeVar("T")

AnyRow = Row[*tuple[Any, ...]]


def tenants_with_evidence(connection: Connection) -> list[str]:
    """Every tenant that has events, decisions or templates, in order."""
    tables = (EVENTS, DECISIONS, TEMPLATES)
    return sorted({tenant for table in tables for tenant in tenants_of(connection, table)})


class EvidenceCheck:
    """Checks one tenant's rows, as its log is read from its start."""

    def __init__(self) -> None:
        self._last = {EVENTS: 0, DECISIONS: 0, TEMPLATES: 0}  # the positions read last

    def take(self, own: TenantConnection, page: list[Entry]) -> None:
        """Compare the rows of the log's next entries, which may be of any kind.

        Raises:
            DataCorrupted: names the first row that is not as it was recorded, and its entry.
        """
        kinds = [entry.kind for entry in page]
        versions = kinds.count(VERSION_KIND) + kinds.count(DELETION_KIND)
        events = self._read(own, EVENTS, kinds.count(EVENT_KIND))
        decisions = self._read(own, DECISIONS, kinds.count(DECISION_KIND))
        templates = self._read(own, TEMPLATES, versions)
        for entry in page:
            if entry.kind == EVENT_KIND:
                self._take_one(own, entry, EVENTS, events, _check_event)
            elif entry.kind in (VERSION_KIND, DELETION_KIND):
                self._take_one(own, entry, TEMPLATES, templates, _check_template)
            elif entry.kind == DECISION_KIND:
                self._take_one(own, entry, DECISIONS, decisions, _check_decision)
            elif entry.kind == ERASURE_KIND:
                self._take_erasure(own, entry)

    def finish(self, own: TenantConnection) -> None:
        """Check that there is nothing besides, once all entries were taken.

        Raises:
            DataCorrupted: names a row that no entry records, or that is not the newest it says.
        """
        for table in self._last:
            row = next(self._read(own, table, 1), None)
            if row is not None:
                raise DataCorrupted(f"{table.name} row {row.position} stands beside no log entry")
        _check_newest(own)
        check_runs(own)
        last = VERDICT_BODIES.check(own)
        while last:
            last = VERDICT_BODIES.check(own, last)

    def _after(self, table: Table) -> Select[Any]:
        last, columns = self._last[table], table.c
        of_tenant = select(table).where(columns.tenant == TENANT)
        return of_tenant.where(columns.position > last).order_by(columns.position)

    def _read(self, own: TenantConnection, table: Table, count: int) -> Iterator[AnyRow]:
        found = own.execute(self._after(table).limit(count)).all() if count else []
        return iter(found)

    def _take_one(
        self,
        own: TenantConnection,
        entry: Entry,
        table: Table,
        following: Iterator[AnyRow],
        check: Callable[[TenantConnection, AnyRow, Entry], None],
    ) -> None:
        row = next(following, None)
        if row is None:
            raise DataCorrupted(f"the row in {table.name} of log entry {entry.index} is missing")
        check(own, row, entry)
        self._last[table] = row.position

    def _take_erasure(self, own: TenantConnection, entry: Entry) -> None:
        """The rows of events that were erased with the entries that this one names."""
        erased = (entry.body and msgspec.json.decode(entry.body)["entries"]) or []
        columns = EVENTS.c
        statement = select(columns.position, columns.erase_time).where(
            columns.tenant == TENANT, columns.log_index.in_(erased)
        )
        for row in own.execute(statement):
            time = None if row.erase_time is None else _formatted(row.erase_time)
            _compare("events", row.position, entry, {"erase_time": (time, entry.create_time)})


def _check_newest(own: TenantConnection) -> None:
    columns = TEMPLATES.c
    newest = func.max(columns.version).over(partition_by=columns.template_id)
    statement = select(columns.position, columns.newest, columns.version, newest.label("last"))
    for row in own.execute(statement.where(columns.tenant == TENANT)):
        if row.newest != (row.version == row.last):
            raise DataCorrupted(f"templates row {row.position}: newest was altered")


def _or_none(body: Callable[[], T]) -> T | None:
    """A body, or None if it was erased."""
    try:
        return body()
    except BodyErased:
        return None


def _check_event(own: TenantConnection, row: AnyRow, entry: Entry) -> None:
    record = _record(entry)
    verdict = VERDICT_BODIES.read(own, [row.verdict]).get(row.verdict)
    values = {name: (getattr(row, name), record.get(name)) for name in _EVENT_COLUMNS}
    values["severity"] = (row.severity, _RANKS.get(record.get("severity", "")))
    values[_VERDICT] = (verdict is not None and digest(verdict), record.get("verdict_digest"))
    follows = {
        "log_index": (row.log_index, entry.index),
        "day": (row.day, day_of(row.create_time)),
        "erase_time": (row.erase_time is None, entry.body is not None),
        _VERDICT: (row.verdict is None or VERDICT_BODIES.has(own, row.verdict), True),
    }
    _compare_row("events", row, entry, {**follows, **values} if record else follows, {})


def _check_decision(own: TenantConnection, row: AnyRow, entry: Entry) -> None:
    record = _record(entry)
    try:
        decision = rows.decision_of_row(own, row)
    except msgspec.DecodeError as error:
        what = f"decisions row {row.position} (log entry {entry.index}): body was altered"
        raise DataCorrupted(what) from error
    body = _or_none(lambda: rows.stored_body(own, row))
    values = {
        "event_id": (row.event_id, record.get("event_id")),
        "body": (body is not None and digest(body), record.get("digest")),
    }
    follows = {
        "log_index": (row.log_index, entry.index),
        "kind": (row.kind, decision.kind.value),
        **_differing(row, decision, ("decision_id", "create_time", "expire_time")),
        **_about(own, row, DecisionScope if body is None else [decision.scope]),
    }
    _compare_row("decisions", row, entry, follows, values if record else {})


def _about(own: TenantConnection, row: AnyRow, scopes: Iterable[DecisionScope]) -> _Compared:
    """What a decision, of one of these scopes, is about: as its event says it."""
    columns = EVENTS.c
    statement = select(EVENTS).where(columns.tenant == TENANT, columns.event_id == row.event_id)
    event = own.execute(statement).one_or_none()
    if event is None:
        return {"event_id": (row.event_id, None)}
    return {
        "values_digest": (row.values_digest, event.values_digest),
        "covers": (row.covers in {covers(scope, event) for scope in scopes}, True),
    }


def _check_template(own: TenantConnection, row: AnyRow, entry: Entry) -> None:
    record = _record(entry)
    found = _or_none(lambda: _template_digest(own, row))
    values = {name: (getattr(row, name), record.get(name)) for name in _TEMPLATE_COLUMNS}
    # the body says so too, which the digest holds
    values["body or tree"] = (found, record.get("digest"))
    follows = {"deleted": (row.deleted, entry.kind == DELETION_KIND)}
    if found is None and not record:  # with its tenant's, it was deleted
        follows = {}
    _compare_row("templates", row, entry, follows, values if record else {})


_VERDICT: Final = "verdict, or its row in verdicts,"
_EVENT_COLUMNS: Final = (
    "event_id",
    "capture_id",
    "app",
    "screen_id",
    "template_id",
    "template_version",
    "fingerprint",
    "values_digest",
)
_TEMPLATE_COLUMNS: Final = ("template_id", "version", "screen_id", "app")
_Compared = Mapping[str, tuple[object, object]]


def _differing(row: AnyRow, other: object, names: tuple[str, ...]) -> _Compared:
    return {name: (getattr(row, name), getattr(other, name)) for name in names}


def _compare_row(
    table: str, row: AnyRow, entry: Entry, follows: _Compared, recorded: _Compared
) -> None:
    """Compare a row with its entry's time, with what follows from itself, and with the record."""
    time = _formatted(row.create_time)
    compared = {**recorded, **follows, "create_time": (time, entry.create_time)}
    _compare(table, row.position, entry, compared)


def _compare(table: str, position: int, entry: Entry, compared: _Compared) -> None:
    for name, (stored, recorded) in compared.items():
        if stored != recorded:
            raise DataCorrupted(
                f"{table} row {position} (log entry {entry.index}): {name} was altered, or the row "
                "is another one",
                metadata={"entry": str(entry.index)},
            )


def _formatted(time: int) -> str:
    return format_time(_EPOCH + timedelta(microseconds=time))


def _record(entry: Entry) -> dict[str, Any]:
    """What the entry recorded; empty once its body is erased."""
    return {} if entry.body is None else msgspec.json.decode(entry.body, type=dict[str, Any])


def _template_digest(own: TenantConnection, row: AnyRow) -> str:
    body, stored = rows.template_bodies(own, row)
    try:
        tree = b"" if stored is None else zstandard.ZstdDecompressor().decompress(stored)
    except zstandard.ZstdError:
        return ""
    return digest(body, tree)
