"""The SDK's streams on a real wire: order, bounded memory, and what happens when they break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest

from systemzero_client import (
    Client,
    Document,
    IngestFailure,
    IngestReply,
    Outcome,
    SystemZeroError,
)
from systemzero_client.edge import at_edge
from tests.support.captures import capture
from tests.support.patience import PATIENCE
from tests.support.wire import QUICK, BreakingCaptures, DroppingEvents, client_of, serving


def documents(count: int) -> list[Document]:
    return [Document(f"{number}".encode()) for number in range(count)]


def ids(outcomes: list[Outcome]) -> list[str]:
    return [o.response.capture.capture_id for o in outcomes if isinstance(o, IngestReply)]


def recorded() -> Document:
    found = capture("parcel-console", "4.15.5", "1-console")
    return Document(found.ax, dom=found.dom, frames=found.frames)


async def test_outcomes_come_in_the_order_of_the_captures() -> None:
    captures = BreakingCaptures()
    async with client_of(captures.add) as client:
        outcomes = [o async for o in client.ingest_many(documents(300), window=7)]
    assert [o.index for o in outcomes] == list(range(300))
    assert ids(outcomes) == [f"cap_{number}" for number in range(300)]


async def test_a_capture_that_fails_does_not_end_the_stream() -> None:
    captures = BreakingCaptures()
    given = [Document(b"1"), Document(b"bad"), Document(b"2")]
    async with client_of(captures.add) as client:
        first, second, third = [o async for o in client.ingest_many(given)]
    assert isinstance(first, IngestReply)
    assert isinstance(third, IngestReply)
    assert isinstance(second, IngestFailure)
    error = second.error
    assert isinstance(error, SystemZeroError)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_FORMAT")
    assert error.violations[0].field == "data"


async def test_a_broken_stream_is_taken_up_again_and_stores_each_capture_once() -> None:
    captures = BreakingCaptures(answers=5, breaks=6)
    async with client_of(captures.add) as client:
        outcomes = [o async for o in client.ingest_many(documents(60), window=4)]
    assert ids(outcomes) == [f"cap_{number}" for number in range(60)]
    assert captures.breaks == 0
    assert len(captures.stored) == 60


async def test_a_server_that_answers_nothing_any_more_is_given_up() -> None:
    captures = BreakingCaptures(answers=2, breaks=100)
    async with client_of(captures.add) as client:
        stream = client.ingest_many(documents(20), window=4)
        taken = [await anext(stream), await anext(stream)]
        captures.answers = 0
        with pytest.raises(SystemZeroError, match="going away"):
            _ = [o async for o in stream]
    assert [o.index for o in taken] == [0, 1]


async def test_a_server_that_is_not_there_is_an_error_at_once() -> None:
    async with serving() as target:
        pass
    async with Client(target) as gone:
        with pytest.raises(SystemZeroError) as caught:
            _ = [o async for o in gone.ingest_many(documents(1))]
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


async def test_no_more_than_the_window_is_asked_for_ahead_of_its_consumer() -> None:
    captures = BreakingCaptures()
    asked = 0

    def endless() -> Iterator[Document]:
        nonlocal asked
        while True:
            asked += 1
            yield Document(f"{asked}".encode())

    async with client_of(captures.add) as client:
        stream = client.ingest_many(endless(), window=5)
        taken = 0
        async for _ in stream:
            taken += 1
            assert asked <= taken + 5
            if taken == 200:
                break
        await stream.aclose()
    assert captures.most_waiting <= 5


async def test_an_error_of_the_callers_own_iterable_comes_after_what_was_before_it() -> None:
    async def failing() -> AsyncIterator[Document]:
        yield Document(b"1")
        raise ZeroDivisionError

    async with client_of(BreakingCaptures().add) as client:
        stream = client.ingest_many(failing())
        assert isinstance(await anext(stream), IngestReply)
        with pytest.raises(ZeroDivisionError):
            await anext(stream)


async def test_at_the_edge_a_known_screen_sends_its_digest_alone() -> None:
    captures = BreakingCaptures()
    digest = at_edge(recorded()).digest
    assert digest is not None
    async with client_of(captures.add) as client:
        await client.ingest(recorded(), at_edge=True)
        assert captures.sent == ["full_digest", "native"]
        captures.known.add(digest)
        await client.ingest(recorded(), at_edge=True)
        assert captures.sent == ["full_digest", "native", "full_digest"]


async def test_at_the_edge_the_stream_sends_bodies_only_where_asked() -> None:
    captures = BreakingCaptures(answers=3, breaks=2)
    async with client_of(captures.add) as client:
        given = [recorded(), Document(b"no capture"), recorded(), recorded(), recorded()]
        outcomes = [o async for o in client.ingest_many(given, at_edge=True, window=2)]
    assert [o.index for o in outcomes] == [0, 1, 2, 3, 4]
    assert [type(o) for o in outcomes].count(IngestFailure) == 1
    assert isinstance(outcomes[1], IngestFailure)
    assert min(captures.sent.count(kind) for kind in ("full_digest", "native")) >= 4
    assert len(captures.stored) == 4


async def test_an_incomplete_capture_is_sent_whole_though_normalised_at_the_edge() -> None:
    loading = capture("parcel-console", "4.15.5", "1-console-loading")
    captures = BreakingCaptures()
    async with client_of(captures.add) as client:
        await client.ingest(Document(loading.ax, dom=loading.dom), at_edge=True)
    assert captures.sent == ["native"]
    assert next(iter(captures.stored.values())).native.data == loading.ax


@pytest.mark.parametrize("politely", [True, False])
async def test_a_watch_goes_on_where_it_broke_without_loss_or_repeat(politely: bool) -> None:
    events = DroppingEvents(total=23, each=4, politely=politely)
    seen, breaks = [], []
    async with client_of(events.add) as client:
        watch = client.watch_events(on_retry=lambda error, pause: breaks.append(error))
        async for watched in watch:
            seen.append(watched.event.event_id)
            if len(seen) == 23:
                break
        await watch.aclose()
    assert seen == [f"evt_{number}" for number in range(23)]
    assert events.cursors == ["", "4", "8", "12", "16", "20"]
    assert len(breaks) == 5


async def test_a_watch_starts_at_a_cursor_of_another_process() -> None:
    async with client_of(DroppingEvents(total=9, each=9).add) as client:
        watch = client.watch_events("7")
        watched = await anext(watch)
        await watch.aclose()
    assert (watched.event.event_id, watched.cursor) == ("evt_7", "8")


async def test_a_watch_that_never_came_up_is_an_error() -> None:
    async with client_of() as client:
        with pytest.raises(SystemZeroError) as caught:
            await anext(client.watch_events())
    assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_watch_survives_a_restart_of_the_server() -> None:
    events = DroppingEvents(total=2, each=1)
    server = grpc.aio.server()
    events.add(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    down = asyncio.Event()
    async with Client(f"127.0.0.1:{port}", backoff=QUICK) as client:
        watch = client.watch_events(on_retry=lambda *_: down.set())
        assert (await anext(watch)).event.event_id == "evt_0"
        await server.stop(0)
        following = asyncio.ensure_future(anext(watch))
        await down.wait()
        again = grpc.aio.server()
        events.add(again)
        again.add_insecure_port(f"127.0.0.1:{port}")
        await again.start()
        assert (await asyncio.wait_for(following, PATIENCE)).event.event_id == "evt_1"
        await watch.aclose()
        await again.stop(0)
