"""Decisions about events of the same values: what holds of which event, and at what cost."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from systemzero_core.drift import (
    CoveredEdit,
    DecisionKind,
    DecisionScope,
    PlaceDigests,
    Severity,
)
from systemzero_core.errors import DataCorrupted
from systemzero_diff.model import Counts, EventFilter, NewEvent, StoredDecision, StoredEvent
from systemzero_diff.store import LOG, METADATA, SCHEMA_VERSION, SqlDiffStore, Transaction
from systemzero_diff.store.events import day_of
from systemzero_diff.store.evidence_runs import check_runs
from systemzero_diff.store.sql import SqlTransaction
from systemzero_diff.store.tables import RUNS
from systemzero_evidence.log import LogStore
from systemzero_storage.database import TENANT, Database, SqliteDatabase, TenantConnection
from systemzero_storage.sqlite.engines import driver_of
from tests.support.databases import OpenDatabase
from tests.support.patience import UNHURRIED
from tests.support.stores import DAY, NOW, decision, event

APPROVE, REJECT, SNOOZE = DecisionKind.APPROVE, DecisionKind.REJECT, DecisionKind.SNOOZE
ALIKE = "f" * 64
_PLACES = select(RUNS.c.first_position, RUNS.c.last_position, RUNS.c.first_time).where(
    RUNS.c.tenant == TENANT
)


@pytest.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    opened = open_database(METADATA, SCHEMA_VERSION)
    yield opened
    await opened.close()


@pytest.fixture
def log(database: Database) -> LogStore:
    return LogStore(database, LOG, "test.example/log", [Ed25519PrivateKey.generate()])


@pytest.fixture
def store(database: Database, log: LogStore) -> SqlDiffStore:
    return SqlDiffStore(database, log)


# What holds of which event: against a model that asks every decision about every event.


class Taken(NamedTuple):
    """A decision, as the model has it: what it covers is settled when it is taken."""

    decision_id: str
    kind: DecisionKind
    expire_time: int | None
    covered: frozenset[str]


Op = tuple[str, Any]
events_ = st.tuples(
    st.just("event"),
    st.fixed_dictionaries(
        {
            "values_digest": st.sampled_from(["a1", "a2", "b1"]),
            "screen_id": st.sampled_from("xy"),
            "app": st.sampled_from("st"),
            "severity": st.sampled_from(list(Severity)),
            "time": st.sampled_from([NOW, NOW - DAY]),
        }
    ),
)
decisions_ = st.tuples(
    st.just("decision"),
    st.fixed_dictionaries(
        {
            "on": st.integers(0, 30),
            "kind": st.sampled_from(list(DecisionKind)),
            "scope": st.sampled_from(list(DecisionScope)),
            "expire_time": st.sampled_from([None, NOW + 5, NOW + 15]),
        }
    ),
)
_TENANTS = itertools.count()


class Model:
    """Plays the operations into a store, and remembers what they mean."""

    def __init__(self, store: SqlDiffStore) -> None:
        self.tenant = f"t{next(_TENANTS)}"
        self.store = store
        self.events: list[NewEvent] = []
        self.taken: list[Taken] = []

    async def play(self, ops: list[Op]) -> None:
        for kind, said in ops:
            if kind == "event":
                # alike whatever the values
                made = event(len(self.events), **said, fingerprint=said["values_digest"][0])
                self.events.append(made)
                await self.store.write(self.tenant, lambda t, e=made: t.put_event(e, e.create_time))  # type: ignore[misc]
            elif self.events:
                await self._decide(**said)

    async def _decide(
        self, on: int, kind: DecisionKind, scope: DecisionScope, expire_time: int | None
    ) -> None:
        about = self.events[on % len(self.events)]
        made = decision(len(self.taken), kind, expire_time=expire_time, scope=scope)
        covered = frozenset(e.event_id for e in self.events if _covers(scope, about, e))
        self.taken.append(Taken(made.decision_id, kind, expire_time, covered))
        await self.store.write(self.tenant, lambda t: t.put_decision(made, about.event_id, NOW))

    def state(self, event_id: str, now: int) -> str:
        """The word of the state of an event."""
        holding = [
            taken.kind.value
            for taken in self.taken
            if event_id in taken.covered and (taken.expire_time is None or now < taken.expire_time)
        ]
        return holding[-1] if holding else "open"

    async def place(self, number: int) -> int:
        """Where an event stands among the events of the store."""
        stored: StoredEvent = await self.read(lambda t: t.event(self.events[number].event_id))
        return stored.position

    async def read(self, job: Callable[[Transaction], Any]) -> Any:
        return await self.store.read(self.tenant, job)


def _covers(scope: DecisionScope, about: NewEvent, other: NewEvent) -> bool:
    """Whether a decision about one event is about another one that is there."""
    if scope not in (DecisionScope.SCREEN, DecisionScope.APP, DecisionScope.TENANT):
        return other is about
    same = other.values_digest == about.values_digest
    if scope is DecisionScope.SCREEN:
        return same and other.screen_id == about.screen_id
    return same and (scope is DecisionScope.TENANT or other.app == about.app)


async def listed(model: Model, chosen: EventFilter, size: int) -> list[str]:
    """All pages of a listing."""
    ids: list[str] = []
    before: int | None = None
    while page := await model.read(lambda t: t.events(before, size, chosen)):  # noqa: B023
        assert len(page) <= size
        ids += [stored.event.event_id for stored in page]
        before = page[-1].position
    return ids


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.one_of(events_, events_, decisions_), max_size=24),
    st.integers(1, 6),
    st.sampled_from(["", "x"]),
    st.integers(0, 2),
)
async def test_states_lists_and_figures_are_those_that_the_decisions_make(
    store: SqlDiffStore, ops: list[Op], size: int, screen: str, rank: int
) -> None:
    model = Model(store)
    await model.play(ops)
    for now in (NOW, NOW + 5, NOW + 15):
        for word in ("", "open", *(kind.value for kind in DecisionKind)):
            wanted = [
                e.event_id
                for e in reversed(model.events)
                if word in ("", model.state(e.event_id, now))
                and screen in ("", e.screen_id)
                and e.severity.rank >= rank
            ]
            chosen = EventFilter(state=word, screen_id=screen, min_severity=rank, now=now)
            assert await listed(model, chosen, size) == wanted
        for e in model.events:
            stored: StoredEvent = await model.read(lambda t, e=e: t.event(e.event_id))  # type: ignore[misc]
            holding = stored.holding(now)
            assert (holding.kind.value if holding else "open") == model.state(e.event_id, now)
            about = [taken.decision_id for taken in model.taken if e.event_id in taken.covered]
            assert [stored.decision.decision_id] == about[-1:] if stored.decision else not about
        await check_summary(model, now)


async def check_summary(model: Model, now: int) -> None:
    days = (day_of(NOW - DAY), day_of(NOW))
    found: Counts = await model.read(lambda t: t.summary(*days, now))
    opened = [e for e in model.events if model.state(e.event_id, now) == "open"]
    assert found.open_events == len(opened)
    assert sum(count for _, _, count in found.events) == len(model.events)
    groups = {group.fingerprint: group for group in found.groups}
    assert set(groups) == {e.fingerprint for e in model.events}
    for fingerprint, group in groups.items():
        alike = [e for e in model.events if e.fingerprint == fingerprint]
        assert group.events == len(alike)
        assert group.open_events == sum(e.fingerprint == fingerprint for e in opened)
        assert group.severity == max(e.severity.rank for e in alike)
        assert list(group.screen_ids) == sorted({e.screen_id for e in alike})
        assert group.first_time == min(e.create_time for e in alike)
        assert group.last == alike[-1]


# Events that are decided about one by one leave runs that seem to have ended later than they did.


def alone(number: int, scope: DecisionScope = DecisionScope.NODE) -> Op:
    """A decision about one event."""
    return "decision", {"on": number, "kind": REJECT, "scope": scope, "expire_time": None}


@settings(max_examples=40, suppress_health_check=UNHURRIED)
@given(
    st.lists(st.sampled_from("xyz"), min_size=8, max_size=16),
    st.sets(st.integers(1, 6), min_size=1),
    st.integers(1, 2),
)
async def test_no_page_loses_events_beside_some_that_were_decided_about_alone(
    store: SqlDiffStore, database: Database, screens: list[str], back: set[int], size: int
) -> None:
    model = Model(store)
    await model.play([("event", {"values_digest": ALIKE, "screen_id": name}) for name in screens])
    await model.play([alone(len(screens) - number) for number in back])
    for word in ("open", "reject"):
        wanted = [e.event_id for e in model.events if model.state(e.event_id, NOW) == word]
        assert await listed(model, EventFilter(state=word, now=NOW), size) == wanted[::-1]
    await database.of(model.tenant).read(check_runs)


@pytest.mark.parametrize("scope", [DecisionScope.NODE, DecisionScope.SUBTREE])
async def test_more_runs_than_a_page_has_may_have_lost_their_last_event(
    store: SqlDiffStore, database: Database, scope: DecisionScope
) -> None:
    often, once = [f"often {n}" for n in range(25)], [f"once {n}" for n in range(10)]
    model = Model(store)
    await model.play(
        [("event", {"values_digest": ALIKE, "screen_id": name}) for name in [*often, *once, *often]]
        + [alone(on, scope) for on in range(35, 60)]
    )
    wanted = [f"evt_{n}" for n in reversed(range(35))]
    for size in (1, 2, 5, 50, 200):
        assert await listed(model, EventFilter(state="open", now=NOW), size) == wanted
        everything = EventFilter(fingerprint=ALIKE[0], now=NOW)
        assert len(await listed(model, everything, size)) == 60
    await database.of(model.tenant).read(check_runs)


@pytest.mark.parametrize("gone", [0, 1, 2])
async def test_a_run_begins_and_ends_with_events_that_are_in_it(
    store: SqlDiffStore, database: Database, gone: int
) -> None:
    model = Model(store)
    times = [NOW, NOW + 1, NOW + 2]
    await model.play([("event", {"values_digest": ALIKE, "time": time}) for time in times])
    await model.play([alone(gone)])
    left = [number for number in range(3) if number != gone]
    rows = await database.of(model.tenant).read(lambda c: c.execute(_PLACES).all())
    ends = {
        (await model.place(run[0]), await model.place(run[-1]), times[run[0]])
        for run in (left, [gone])
    }
    assert {tuple(row) for row in rows} == ends
    # a run whose last event leaves it is no more
    await model.play([alone(on) for on in left])
    rows = await database.of(model.tenant).read(lambda c: c.execute(_PLACES).all())
    assert sorted(tuple(row) for row in rows) == [
        (await model.place(n), await model.place(n), times[n]) for n in range(3)
    ]


async def test_a_run_that_ends_after_its_last_event_is_found_altered(
    store: SqlDiffStore, database: Database
) -> None:
    model = Model(store)
    await model.play([("event", {"values_digest": ALIKE})] * 2)
    await model.play([alone(1)])
    await database.of(model.tenant).read(check_runs)
    places = {"last_position": await model.place(1)}
    alter = update(RUNS).where(RUNS.c.tenant == TENANT, RUNS.c.event_id == "").values(places)
    await database.of(model.tenant).write(lambda c: c.execute(alter))
    with pytest.raises(DataCorrupted, match="last_position was altered"):
        await database.of(model.tenant).read(check_runs)


# What it costs: counted in rows, and on SQLite in steps of its machine.


class Counting(TenantConnection):
    """Counts the rows that come and that are changed."""

    __slots__ = ("rows",)

    def __init__(self, connection: TenantConnection) -> None:
        super().__init__(connection.unscoped, connection.tenant)
        self.rows = 0

    def execute(self, statement: Any, values: Any = None) -> Any:
        result = super().execute(statement, values)
        if not result.returns_rows:
            self.rows += result.rowcount
            return result
        frozen = result.freeze()
        self.rows += len(frozen.data)
        return frozen()


class Cost(NamedTuple):
    """Rows that came or were changed, and steps that SQLite took."""

    rows: int
    steps: int


def _after_a_page(transaction: Transaction) -> int:
    return transaction.events(None, 5, EventFilter(state="reject", now=NOW))[-1].position


CALLS: dict[str, Callable[[Transaction], object]] = {
    "decide": lambda t: t.put_decision(decision(9, APPROVE), "evt_1", 10**6),
    "decide about one": lambda t: t.put_decision(
        decision(9, APPROVE, scope=DecisionScope.NODE), "evt_1", 10**6
    ),
    "another event": lambda t: t.put_event(event(10**6, fingerprint=ALIKE), 10**6),
    "the decisions that checks go by": lambda t: t.decisions_after(0),
    "the newest": lambda t: t.events(None, 5, EventFilter(now=NOW)),
    "what is open": lambda t: t.events(None, 5, EventFilter(state="open", now=NOW)),
    "what is rejected": lambda t: t.events(None, 5, EventFilter(state="reject", now=NOW)),
    "what is approved": lambda t: t.events(None, 5, EventFilter(state="approve", now=NOW)),
    "the next page": lambda t: t.events(_after_a_page(t), 5, EventFilter(state="reject", now=NOW)),
    "of a screen": lambda t: t.events(None, 5, EventFilter(screen_id="order", now=NOW)),
    "alike": lambda t: t.events(None, 5, EventFilter(fingerprint=ALIKE, now=NOW)),
    "one": lambda t: t.event("evt_1"),
    "the summary": lambda t: t.summary(day_of(NOW), day_of(NOW), NOW),
}


class Undone(Exception):
    """Takes back what a call wrote."""


async def cost(database: Database, log: LogStore, tenant: str, call: str) -> Cost:
    """What a call costs; nothing of it stays."""
    steps, rows = itertools.count(), 0

    def job(connection: TenantConnection) -> None:
        nonlocal rows
        counting = Counting(connection)
        watched = isinstance(database, SqliteDatabase) and driver_of(connection.unscoped)
        if watched:
            watched.set_progress_handler(lambda: next(steps) < 0, 1)
        try:
            CALLS[call](SqlTransaction(counting, log, database.notifier))
        finally:
            if watched:
                watched.set_progress_handler(None, 0)
        rows = counting.rows
        raise Undone

    with pytest.raises(Undone):
        await database.of(tenant).write(job)
    return Cost(rows, next(steps))


async def test_no_call_reads_or_writes_all_alike_events(
    database: Database, store: SqlDiffStore, log: LogStore
) -> None:
    def fill(count: int) -> Callable[[Transaction], None]:
        def job(transaction: Transaction) -> None:
            for number in range(count):
                transaction.put_event(event(number, fingerprint=ALIKE), number)
            transaction.put_decision(decision(1, REJECT), "evt_0", count)
            for number in range(count, count + 3):  # seen again since
                transaction.put_event(event(number, fingerprint=ALIKE), number)
            transaction.put_event(event(10**5), count + 3)

        return job

    await store.write("few", fill(50))
    await store.write("many", fill(800))
    for call in CALLS:
        few, many = [await cost(database, log, tenant, call) for tenant in ("few", "many")]
        assert many.rows == few.rows, call
        # some more, as they are other places
        assert many.steps <= 1.1 * few.steps + 20, call


async def test_a_decision_is_stored_once_and_shown_with_each_event(store: SqlDiffStore) -> None:
    def job(transaction: Transaction) -> StoredDecision:
        for number in range(3):
            transaction.put_event(event(number, fingerprint=ALIKE), number)
        return transaction.put_decision(decision(1, SNOOZE, expire_time=NOW + 9), "evt_1", 3)

    made = await store.write("acme", job)
    found = await store.read("acme", lambda t: t.events(None, 9, EventFilter(now=NOW)))
    assert [stored.decision for stored in found] == [made] * 3
    last, decisions = await store.read("acme", lambda t: t.decisions_after(0))
    assert len(decisions) == 1
    assert await store.read("acme", lambda t: t.decisions_after(last - 1)) == (last, decisions)


async def test_what_was_decided_before_the_last_decision_is_not_read_with_an_event(
    store: SqlDiffStore,
) -> None:
    """Each decision has all edits of its event: all of them would take the process's memory."""
    edits = tuple(CoveredEdit(f"{n:064x}", PlaceDigests(f"{n:032x}")) for n in range(500))

    def fill(count: int) -> Callable[[Transaction], None]:
        def job(transaction: Transaction) -> None:
            transaction.put_event(event(0, fingerprint=ALIKE), 0)
            for number in range(count):
                made = decision(number, SNOOZE, expire_time=NOW + 9 + number)
                made = msgspec.structs.replace(made, edits=edits)
                transaction.put_decision(made, "evt_0", number)

        return job

    def peak(transaction: Transaction) -> int:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        stored = transaction.event("evt_0")
        assert stored.decision is not None
        holding = stored.holding(NOW)
        assert holding is not None
        assert holding.expire_time == stored.decision.expire_time
        return tracemalloc.get_traced_memory()[1] - before

    await store.write("few", fill(2))
    await store.write("many", fill(60))
    await store.read("few", lambda t: t.event("evt_0"))  # what is made once
    tracemalloc.start()
    try:
        few, many = [await store.read(tenant, peak) for tenant in ("few", "many")]
    finally:
        tracemalloc.stop()
    assert many < 2 * few
