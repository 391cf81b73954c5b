"""What is handed to `ingest_many`: wrong things are named, and nothing hangs or stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero_client import Document, IngestReply, Sighting, SystemZeroError, silence
from systemzero_core.errors import InvalidInput
from tests.support.wire import BreakingCaptures, answering, client_of

GUARD = 30.0
"""Seconds after which a test has hung."""
GOOD = Document(b"good")
WRONG: list[tuple[Any, str]] = [
    ("x", "captures[1]"),
    (None, "captures[1]"),
    (5, "captures[1]"),
    ({}, "captures[1]"),
    ((GOOD,), "captures[1]"),
    ((GOOD, "somewhere"), "captures[1]"),
    (("x", Sighting()), "captures[1]"),
    ((GOOD, Sighting(), 3), "captures[1]"),
    (Document("text"), "captures[1].data"),  # type: ignore[arg-type]
    (Document(None), "captures[1].data"),  # type: ignore[arg-type]
    (Document(b"", 5), "captures[1].format"),  # type: ignore[arg-type]
    (Document(b"", dom="x"), "captures[1].dom"),  # type: ignore[arg-type]
    (Document(b"", frames=(b"", "x")), "captures[1].frames"),  # type: ignore[arg-type]
    (Document(b"", frames=5), "captures[1].frames"),  # type: ignore[arg-type]
    ((GOOD, Sighting(5)), "captures[1].app"),  # type: ignore[arg-type]
    ((GOOD, Sighting(screen=b"x")), "captures[1].screen"),  # type: ignore[arg-type]
    ((GOOD, Sighting(session=None)), "captures[1].session"),  # type: ignore[arg-type]
    ((GOOD, Sighting(time="now")), "captures[1].time"),  # type: ignore[arg-type]
    ((GOOD, Sighting(time=datetime(2026, 1, 1))), "captures[1].time"),  # noqa: DTZ001
    ((GOOD, Sighting("\ud800")), "captures[1].app"),
]


class Silent:
    """A named fake of a service: it takes captures, answers `answers` of them, then none."""

    def __init__(self, answers: int = 0) -> None:
        self.answers = answers
        self.streams = 0
        self.ended = asyncio.Event()

    def add(self, server: grpc.aio.Server) -> None:
        answering(server, "systemzero.capture.v1.CaptureService", IngestStream=self.stream)

    async def stream(self, request_iterator: Any, context: Any) -> Any:
        self.streams += 1
        self.ended.clear()
        try:
            index = 0
            async for _ in request_iterator:
                if self.answers:
                    self.answers -= 1
                    yield pb.IngestStreamResponse(index=index, ingest=pb.IngestResponse())
                index += 1
            await asyncio.Event().wait()
        finally:
            self.ended.set()


@pytest.mark.parametrize("at_edge", [False, True])
@pytest.mark.parametrize(("item", "named"), WRONG, ids=range(len(WRONG)))
async def test_a_wrong_item_is_named_after_what_was_before_it(
    item: Any, named: str, at_edge: bool
) -> None:
    captures = BreakingCaptures()
    tree = Document(b'- button "Save"\n', "aria")
    async with asyncio.timeout(GUARD), client_of(captures.add) as client:
        stream = client.ingest_many([tree, item, tree], at_edge=at_edge)
        assert isinstance(await anext(stream), IngestReply)
        with pytest.raises(InvalidInput) as caught:
            await anext(stream)
    assert [violation.field for violation in caught.value.violations] == [named]
    assert len(captures.stored) == 1


class _NoIterator:
    def __aiter__(self) -> Any:
        return 5


class _Cursed:
    def __iter__(self) -> Iterator[Document]:
        raise LookupError("cursed")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (5, TypeError),
        (None, TypeError),
        (_NoIterator(), TypeError),
        (_Cursed(), LookupError),
        (GOOD, InvalidInput),
        (b"bytes", InvalidInput),
    ],
)
async def test_what_gives_no_captures_is_an_error_at_once(
    given: Any, error: type[Exception]
) -> None:
    async with asyncio.timeout(GUARD), client_of(BreakingCaptures().add) as client:
        with pytest.raises(error):
            _ = [o async for o in client.ingest_many(given)]


class Peculiar(BaseException):
    """What no `except Exception` sees."""


@pytest.mark.parametrize("raised", [ZeroDivisionError, Peculiar, asyncio.CancelledError])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_whatever_the_callers_iterator_raises_comes_after_what_was_before_it(
    raised: type[BaseException], asynchronous: bool
) -> None:
    def failing() -> Iterator[Document]:
        yield GOOD
        raise raised

    async def failing_too() -> AsyncIterator[Document]:
        yield GOOD
        raise raised

    async with asyncio.timeout(GUARD), client_of(BreakingCaptures().add) as client:
        stream = client.ingest_many(failing_too() if asynchronous else failing())
        assert isinstance(await anext(stream), IngestReply)
        with pytest.raises(raised):
            await anext(stream)


@pytest.mark.parametrize("how", ["cancelled", "closed", "failed"])
async def test_nothing_stays_behind(how: str) -> None:
    silent = Silent(answers=1)
    closed = asyncio.Event()

    async def given() -> AsyncIterator[Document]:
        try:
            for _ in range(8):
                yield GOOD
            if how == "failed":
                raise ZeroDivisionError
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with asyncio.timeout(GUARD), client_of(silent.add) as client:
        before = asyncio.all_tasks()
        stream = client.ingest_many(given(), window=4)
        assert isinstance(await anext(stream), IngestReply)
        if how == "closed":
            await stream.aclose()
        else:
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await silent.ended.wait()
        await closed.wait()
        await client.close()
        left = asyncio.all_tasks() - before
        assert not {task for task in left if "systemzero_client" in repr(task)}


async def test_a_server_that_never_answers_is_given_up() -> None:
    async with asyncio.timeout(GUARD), client_of(Silent().add) as client:
        client.transport.timeout = 0.05
        with pytest.raises(SystemZeroError, match="no answer") as caught:
            _ = [o async for o in client.ingest_many([GOOD, GOOD])]
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_server_that_answers_no_more_is_given_up_after_some_attempts() -> None:
    silent = Silent(answers=1)
    answered = asyncio.Event()

    async def given() -> AsyncIterator[Document]:
        yield GOOD
        await answered.wait()
        client.transport.timeout = 0.05
        yield GOOD

    async with asyncio.timeout(GUARD), client_of(silent.add) as client:
        stream = client.ingest_many(given())
        assert isinstance(await anext(stream), IngestReply)
        answered.set()
        with pytest.raises(SystemZeroError, match="no answer"):
            await anext(stream)
    assert 1 < silent.streams < 20


async def test_a_client_that_is_closed_meanwhile_is_told() -> None:
    async with asyncio.timeout(GUARD), client_of(Silent(answers=1).add) as client:
        stream = client.ingest_many([GOOD, GOOD])
        assert isinstance(await anext(stream), IngestReply)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(SystemZeroError):
            await waiting


class HeldBack(Silent, health_pb2_grpc.HealthServicer):  # type: ignore[misc] # has no types
    """A named fake of a platform that holds a stream back: it answers once asked how it is."""

    def __init__(self, *, asked: int, serves: bool = True) -> None:
        super().__init__()
        self.asked = 0
        self._status = health_pb2.HealthCheckResponse.SERVING if serves else 2
        self._enough = asked
        self._go_on = asyncio.Event()

    def add(self, server: grpc.aio.Server) -> None:
        super().add(server)
        health_pb2_grpc.add_HealthServicer_to_server(self, server)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - by the protocol
        self.asked += 1
        if self.asked >= self._enough:
            self._go_on.set()
        return health_pb2.HealthCheckResponse(status=self._status)

    async def stream(self, request_iterator: Any, context: Any) -> Any:
        self.streams += 1
        index = 0
        async for _ in request_iterator:
            await self._go_on.wait()
            yield pb.IngestStreamResponse(index=index, ingest=pb.IngestResponse())
            index += 1


async def test_a_stream_that_is_held_back_is_no_server_that_answers_no_more() -> None:
    held = HeldBack(asked=3)
    async with asyncio.timeout(GUARD), client_of(held.add) as client:
        client.transport.timeout = 0.2
        outcomes = [o async for o in client.ingest_many([GOOD] * 3)]
    assert [type(outcome) for outcome in outcomes] == [IngestReply] * 3
    assert (held.streams, held.asked) == (1, 3)


async def test_a_silent_server_that_does_not_say_that_it_serves_is_given_up() -> None:
    held = HeldBack(asked=1_000_000, serves=False)
    async with asyncio.timeout(GUARD), client_of(held.add) as client:
        client.transport.timeout = 0.05
        with pytest.raises(SystemZeroError, match="no answer"):
            _ = [o async for o in client.ingest_many([GOOD])]


async def test_a_server_that_says_for_ever_that_it_serves_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(silence, "LONGEST", 0.3)
    async with asyncio.timeout(GUARD), client_of(HeldBack(asked=1_000_000).add) as client:
        client.transport.timeout = 0.1
        with pytest.raises(SystemZeroError, match="has not answered"):
            _ = [o async for o in client.ingest_many([GOOD])]
