"""Following a table: who gets which rows, what it costs, whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, text

from systemzero_core.errors import Unavailable
from systemzero_storage.database import TENANT, Database, TenantConnection
from systemzero_storage.following import window
from systemzero_storage.following.window import WINDOW_ROWS
from systemzero_storage.postgres import listening
from tests.support.followed import NEWS, Open, Process, Watch, on_postgres, on_sqlite, processes
from tests.support.loops import until
from tests.support.patience import PATIENCE
from tests.support.postgres import Server


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest) -> Open:
    if request.param == "sqlite":
        return on_sqlite(request.getfixturevalue("tmp_path"))
    return on_postgres(request.getfixturevalue("postgres"))


@pytest.fixture
async def one(opened: Open) -> AsyncIterator[Process]:
    async with processes(opened, 1, hearing=False) as (only,):
        yield only


async def close(*watches: Watch) -> None:
    for watch in watches:
        await watch.close()


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is sent meanwhile: by SQLAlchemy, and on the connection that listens."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    listener = getattr(database.notifier, "_driver", None)
    event.listen(Engine, "before_cursor_execute", note)
    with ExitStack() as stack:
        if listener is not None:
            stack.enter_context(listener.query_logger(lambda query: sent.append(query.query)))
        yield sent
    event.remove(Engine, "before_cursor_execute", note)


def erase(process: Process, connection: TenantConnection) -> None:
    """A job that changes every row."""
    statement = NEWS.update().where(NEWS.c.tenant == TENANT).values(text="erased")
    connection.execute(statement)
    connection.after_commit(process.database.notifier.forget, NEWS, "acme")


async def test_a_row_is_read_once_for_all_who_wait(
    one: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "WINDOW_SECONDS", PATIENCE)
    watches = [Watch(one) for _ in range(1_000)]
    await one.write("a")
    for watch in watches:
        await watch.until("a")
    before = one.reads
    await one.write("b")
    for watch in watches:
        await watch.until("a", "b")
    assert one.reads == before + 1
    await close(*watches)


async def at_rest(process: Process) -> None:
    """Wait until the follower has read whatever it was woken for."""
    with process.followers.of("acme") as follower:
        if follower._task is not None:
            await follower._task


async def test_idle_watches_cost_the_same_whether_one_or_a_thousand(
    one: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "POLL_SECONDS", 0.0)  # every round looks
    monkeypatch.setattr(window, "WINDOW_SECONDS", PATIENCE)
    notifier, costs = one.database.notifier, []
    watches: list[Watch] = []
    for count in (1, 999):
        seen = watches[0].position if watches else 0
        watches += [Watch(one, seen) for _ in range(count)]
        await one.write("news")
        for watch in watches:
            await watch.until(*["news"] * (2 if count == 999 and watch is watches[0] else 1))
        await at_rest(one)
        await notifier.round()
        with statements(one.database) as sent:
            for _ in range(3):
                await notifier.round()
            await asyncio.sleep(0)  # asyncpg tells of a query a turn later
        costs.append(len(sent))
    assert costs == [3, 3]
    await close(*watches)


async def test_rounds_ask_nothing_while_nobody_follows(
    one: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "POLL_SECONDS", 0.0)
    await one.database.notifier.round()
    with statements(one.database) as sent:
        await one.database.notifier.round()
        await asyncio.sleep(0)
    assert sent == []


async def test_a_commit_of_another_process_wakes_all(opened: Open) -> None:
    async with processes(opened, 2) as (own, other):
        watches = [Watch(own) for _ in range(100)]
        for word in "abc":
            await other.write(word)
            for watch in watches:
                await watch.until(*"abc"[: "abc".index(word) + 1])
        await close(*watches)


async def test_tenants_are_apart(opened: Open) -> None:
    async with processes(opened, 2) as (own, other):
        acme, beta = Watch(own), Watch(own, tenant="beta")
        await other.write("b", tenant="beta")
        await beta.until("b")
        await other.write("a")
        await acme.until("a")
        await close(acme, beta)


async def test_a_follower_is_gone_with_its_last_stream(one: Process) -> None:
    watches = [Watch(one) for _ in range(3)]
    await one.write("a")
    for watch in watches:
        await watch.until("a")
        assert len(one.followers) == 1
        await watch.close()
    assert len(one.followers) == 0
    before = one.reads
    await one.write("b")
    assert one.reads == before


async def test_a_stream_that_lags_reads_for_itself_and_holds_up_nobody(one: Process) -> None:
    slow, quick = Watch(one), Watch(one)
    await one.write("0")
    slow.stall()
    texts = ["0"]
    for number in range(1, 2 * WINDOW_ROWS, 16):
        some = [str(n) for n in range(number, number + 16)]
        await one.write(*some)
        texts += some
        await quick.until(*texts)
    slow.go_on()
    await slow.until(*texts)
    await close(slow, quick)


async def test_a_row_that_comes_while_a_stream_reads_for_itself_is_not_lost(one: Process) -> None:
    live = Watch(one)
    await one.write("a")
    await live.until("a")
    one.database.notifier.forget(NEWS, "acme")
    one.held[0] = asyncio.Event()
    lagging = Watch(one)
    await one.reading.wait()
    await one.write("b")
    await live.until("a", "b")
    one.held[0].set()
    await lagging.until("a", "b")
    await close(live, lagging)


async def test_what_is_changed_while_it_is_read_is_not_told_as_it_was(one: Process) -> None:
    watch = Watch(one)
    await one.write("a")
    await watch.until("a")
    one.held[1] = asyncio.Event()
    await one.write("secret")
    await one.reading.wait()
    await one.database.of("acme").write(partial(erase, one))
    one.held[1].set()
    await watch.until("a", "erased")
    await watch.close()


async def test_what_was_changed_is_not_told_as_it_was(one: Process) -> None:
    """A window that still has a row as it was before it was erased is not used."""
    watch = Watch(one)
    await one.write("secret")
    await watch.until("secret")

    await one.database.of("acme").write(partial(erase, one))
    later = Watch(one)
    await later.until("erased")
    await close(watch, later)


async def test_a_change_by_another_process_is_told_for_no_longer_than_the_window_is_kept(
    one: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "WINDOW_SECONDS", 0.0)
    watch = Watch(one)
    await one.write("a")
    await watch.until("a")
    before = one.reads
    later = Watch(one)
    await later.until("a")
    assert one.reads > before
    await close(watch, later)


async def test_a_read_that_fails_ends_the_streams_and_the_next_ones_go_on(one: Process) -> None:
    watches = [Watch(one) for _ in range(3)]
    await one.write("a")
    for watch in watches:
        await watch.until("a")
    one.error = Unavailable("the database does not answer")
    await one.write("b")
    for watch in watches:
        assert (await watch.failed()) is one.error
    assert len(one.followers) == 0
    one.error = None
    resumed = Watch(one, watches[0].position)
    await resumed.until("b")
    await resumed.close()


async def test_a_read_under_way_ends_with_the_last_stream(one: Process) -> None:
    """Or its connection is left open where the database is closed."""
    await one.write("a")
    before = asyncio.all_tasks()
    one.held[1] = asyncio.Event()
    watch = Watch(one)
    await one.reading.wait()
    await watch.close()
    await until(lambda: asyncio.all_tasks() == before)


async def test_a_writer_that_went_away_is_heard(one: Process) -> None:
    watch = Watch(one)
    await one.write("a")
    await watch.until("a")
    writing = asyncio.ensure_future(one.write("b", within=lambda: writing.cancel()))
    with pytest.raises(asyncio.CancelledError):
        await writing
    await watch.until("a", "b")
    await watch.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 1), st.integers(1, 45)),
        st.tuples(st.just("watch"), st.integers(0, 1), st.integers(0, 60)),
        st.tuples(st.sampled_from(["stall", "go on", "reconnect"]), st.integers(0, 7), st.just(0)),
        st.tuples(st.sampled_from(["round", "forget", "fail"]), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("pass"), st.integers(0, 30), st.just(0)),
    ),
    max_size=25,
)


class Course:
    """Two processes that write, and streams of both, which come and go and stall."""

    def __init__(self, made: list[Process]) -> None:
        self._made = made
        self._written: list[tuple[str, int]] = []
        self._streams: list[list[Any]] = []  # [process, start, what it saw before, watch]

    async def step(self, what: str, number: int, much: int) -> None:
        process = self._made[number % 2]
        if what == "write":
            await process.write(*(f"{len(self._written)}.{n}" for n in range(much)))
            self._written.append(("", much))
        elif what == "watch":
            self._streams.append([process, much, [], Watch(process, much)])
        elif what == "pass":
            for _ in range(number):
                await asyncio.sleep(0)
        elif what == "round":
            await process.database.notifier.round()
        elif what == "forget":
            process.database.notifier.forget(NEWS, "acme")
        elif what == "fail":
            process.error = Unavailable("away")
            for _ in range(5):
                await asyncio.sleep(0)
            process.error = None
        elif self._streams:
            await self._to_stream(what, self._streams[number % len(self._streams)])

    async def _to_stream(self, what: str, stream: list[Any]) -> None:
        watch: Watch = stream[3]
        if what == "stall":
            watch.stall()
        elif what == "go on":
            watch.go_on()
        else:
            await self._again(stream)

    async def _again(self, stream: list[Any]) -> None:
        watch: Watch = stream[3]
        await watch.close()
        stream[2] = stream[2] + watch.seen
        stream[3] = Watch(stream[0], watch.position)

    async def end(self) -> None:
        """Every stream has each row after its start once, in order."""
        rows = await self._made[0].after("acme", 0, 10_000)
        for stream in self._streams:
            stream[3].go_on()
            if stream[3].error is not None:
                await self._again(stream)
        for process in self._made:
            process.database.notifier.notify(NEWS, "acme")
        for stream in self._streams:
            wanted = [row.text for row in rows if row.position > stream[1]]
            await stream[3].until(*wanted[len(stream[2]) :])
            assert stream[2] + stream[3].seen == wanted
        await close(*(stream[3] for stream in self._streams))


_COUNT = iter(range(1_000_000))


@settings(max_examples=60)
@given(steps=STEPS)
async def test_each_stream_has_each_row_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    folder: Path = tmp_path_factory.mktemp(f"course{next(_COUNT)}")
    async with processes(on_sqlite(folder), 2, hearing=False) as made:
        course = Course(made)
        for step in steps:
            await course.step(*step)
        await course.end()


def end_connections(server: Server, schema: str) -> None:
    """As a restart of the server does, of those that the services have to one schema."""
    ending = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE application_name = :who"
    )
    server.run(lambda c: c.execute(ending, {"who": f"systemzero {schema}"}), server.superuser)


async def test_a_stream_goes_on_after_the_servers_connections_ended(postgres: Server) -> None:
    async with processes(on_postgres(postgres), 2) as (own, other):
        watch = Watch(own)
        await other.write("a")
        await watch.until("a")
        for word in "bcd":
            await asyncio.to_thread(end_connections, postgres, own.database.name)
            await other.write(word)
            await watch.until(*"abcd"[: "abcd".index(word) + 1])
        await watch.close()


async def test_a_notification_that_was_lost_is_made_up_for_by_looking(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "POLL_SECONDS", 0.0)
    async with processes(on_postgres(postgres), 2) as (own, other):
        watch = Watch(own)
        monkeypatch.setattr(other.database.notifier, "_tell", lambda *_: None)
        for word in "abc":
            await other.write(word)
            await watch.until(*"abc"[: "abc".index(word) + 1])
        await watch.close()


async def test_what_came_before_the_connection_is_found_when_there_is_one(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "POLL_SECONDS", 3_600.0)
    async with processes(on_postgres(postgres), 2, hearing=False) as (own, other):
        watch = Watch(own)
        await own.write("a")
        await watch.until("a")
        await other.write("b")
        connecting = asyncio.ensure_future(own.database.notifier.round())
        await watch.until("a", "b")
        connecting.cancel()
        await watch.close()


PAYLOADS = ("", "row", "row\n", "row\nnews", "x\ny\nz\n\n", "row\nnews\nbeta", "é" * 2_000)


def notify(channel: str, payload: str, connection: Connection) -> None:
    statement = text("SELECT pg_notify(:channel, :payload)")
    connection.execute(statement, {"channel": channel, "payload": payload})


async def test_what_anybody_may_send_breaks_nothing(postgres: Server) -> None:
    async with processes(on_postgres(postgres), 2) as (own, other):
        watch = Watch(own)
        await other.write("a")
        await watch.until("a")
        channel = f"{own.database.name}_rows"
        for payload in PAYLOADS:
            job = partial(notify, channel, payload)
            await asyncio.to_thread(postgres.run, job)
        await other.write("b")
        await watch.until("a", "b")
        await watch.close()
