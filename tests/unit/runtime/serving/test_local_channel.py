"""Calls within the process: every arity, given up by either side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from typing import Any

import grpc
import pytest

from systemzero_core.errors import NotFound
from systemzero_runtime.interceptors.chain import Call, intercepted
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.serving.local import LocalChannel
from systemzero_runtime.serving.registry import HandlerRegistry
from tests.support.patience import PATIENCE


class Handlers:
    """Answers in ways that a test can ask for; tells what became of its work."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.ended = asyncio.Event()
        self.sent = 0

    async def one(self, request: bytes) -> bytes:
        if request == b"missing":
            raise NotFound("nothing there")
        if request == b"fault":
            raise RuntimeError("secret-internal-text")
        if request == b"wait":
            self.started.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.ended.set()
        return request.upper()

    async def unary(self, request: bytes, context: Any) -> bytes:
        return await self.one(request)

    async def server(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        try:
            for word in request.split():
                yield await self.one(word)
                self.sent += 1
        finally:
            self.ended.set()

    async def client(self, requests: Any, context: Any) -> bytes:
        return b" ".join([await self.one(request) async for request in requests])

    async def both(self, requests: Any, context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield await self.one(request)


@pytest.fixture
def handlers() -> Handlers:
    return Handlers()


@pytest.fixture
def channel(handlers: Handlers) -> LocalChannel:
    registry = HandlerRegistry([errors_interceptor(lambda *_: None)])
    registry.add_registered_method_handlers(
        "test.S",
        {
            "Unary": grpc.unary_unary_rpc_method_handler(handlers.unary),
            "Server": grpc.unary_stream_rpc_method_handler(handlers.server),
            "Client": grpc.stream_unary_rpc_method_handler(handlers.client),
            "Both": grpc.stream_stream_rpc_method_handler(handlers.both),
        },
    )
    return LocalChannel(registry)


ARITIES = {
    "Unary": "unary_unary",
    "Server": "unary_stream",
    "Client": "stream_unary",
    "Both": "stream_stream",
}


def call(channel: LocalChannel, name: str, words: bytes, **keywords: Any) -> Any:
    request = words.split() if name in ("Client", "Both") else words
    return getattr(channel, ARITIES[name])(f"/test.S/{name}")(request, **keywords)


async def answered(name: str, made: Any) -> list[bytes]:
    if name in ("Server", "Both"):
        return [response async for response in made]
    return (await made).split()  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ARITIES)
async def test_every_arity_answers(channel: LocalChannel, name: str) -> None:
    assert await answered(name, call(channel, name, b"a b c")) == [b"A", b"B", b"C"]


async def test_requests_may_come_asynchronously(channel: LocalChannel) -> None:
    async def requests() -> AsyncIterator[bytes]:
        for word in (b"a", b"b"):
            yield word

    made = channel.stream_stream("/test.S/Both")(requests())
    assert [response async for response in made] == [b"A", b"B"]


@pytest.mark.parametrize("name", ARITIES)
@pytest.mark.parametrize(
    ("word", "code"),
    [(b"missing", grpc.StatusCode.NOT_FOUND), (b"fault", grpc.StatusCode.INTERNAL)],
)
async def test_errors_arrive_by_their_status(
    channel: LocalChannel, name: str, word: bytes, code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answered(name, call(channel, name, word))
    assert caught.value.code() is code
    assert "secret" not in str(caught.value)


async def test_responses_before_an_error_arrive(channel: LocalChannel) -> None:
    responses = aiter(call(channel, "Server", b"a b missing c"))
    assert [await anext(responses), await anext(responses)] == [b"A", b"B"]
    with pytest.raises(grpc.aio.AioRpcError):
        await anext(responses)


@pytest.mark.parametrize("name", ARITIES)
async def test_no_such_method(channel: LocalChannel, name: str) -> None:
    made = getattr(channel, ARITIES[name])("/test.S/Other")(b"x")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answered(name, made)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("name", ARITIES)
async def test_a_deadline_ends_the_call_and_its_work(
    channel: LocalChannel, handlers: Handlers, name: str
) -> None:
    made = call(channel, name, b"a wait" if name != "Unary" else b"wait", timeout=0.01)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answered(name, made)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert handlers.ended.is_set()


@pytest.mark.parametrize("name", ARITIES)
async def test_a_caller_that_is_cancelled_ends_the_work(
    channel: LocalChannel, handlers: Handlers, name: str
) -> None:
    caller = asyncio.ensure_future(answered(name, call(channel, name, b"wait")))
    await handlers.started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await handlers.ended.wait()


async def test_a_deadline_that_passed_leaves_the_caller_as_it_was(channel: LocalChannel) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await call(channel, "Unary", b"wait", timeout=0.01)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    assert await call(channel, "Unary", b"a", timeout=PATIENCE) == b"A"


@pytest.mark.parametrize("name", ["Server", "Both"])
async def test_a_stream_that_is_cancelled_ends_the_work(
    channel: LocalChannel, handlers: Handlers, name: str
) -> None:
    made = call(channel, name, b"wait")
    await handlers.started.wait()
    assert made.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answered(name, made)
    await handlers.ended.wait()


async def test_who_stops_iterating_ends_the_work(channel: LocalChannel, handlers: Handlers) -> None:
    async with aclosing(aiter(call(channel, "Server", b"a " * 1_000))) as responses:
        assert await anext(responses) == b"A"
    await handlers.ended.wait()
    assert handlers.sent < 5


async def test_a_stream_is_not_produced_ahead_of_its_consumer(
    channel: LocalChannel, handlers: Handlers
) -> None:
    responses = aiter(call(channel, "Server", b"a " * 100))
    await anext(responses)
    for _ in range(50):
        await asyncio.sleep(0)
    assert handlers.sent <= 3
    assert len([response async for response in responses]) == 99


async def test_what_a_handler_sets_of_context_its_caller_never_sees() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="")
    seen: list[str] = []

    async def unary(request: bytes, context: Any) -> bytes:
        seen.append(variable.get())
        variable.set("the handler's")
        await asyncio.sleep(0)
        seen.append(variable.get())
        if request == b"missing":
            raise NotFound("nothing there")
        return request

    registry = HandlerRegistry([errors_interceptor(lambda *_: None)])
    handlers = {"Unary": grpc.unary_unary_rpc_method_handler(unary)}
    registry.add_registered_method_handlers("test.S", handlers)
    variable.set("the caller's")
    made = LocalChannel(registry).unary_unary("/test.S/Unary")
    await made(b"x")
    with pytest.raises(grpc.aio.AioRpcError):
        await made(b"missing")
    assert seen == ["the caller's", "the handler's"] * 2
    assert variable.get() == "the caller's"


async def test_guards_stand_in_order_around_a_call() -> None:
    log: list[str] = []

    def interceptor(name: str) -> Any:
        @asynccontextmanager
        async def stand(call: Call) -> AsyncIterator[None]:
            log.append(f"{name} in {call.text('k')} {call.text('raw-bin')}")
            try:
                yield
            finally:
                log.append(f"{name} out")

        return stand

    async def unary(request: bytes, context: Any) -> bytes:
        log.append("handler")
        return request

    registry = HandlerRegistry()
    handler = intercepted(
        grpc.unary_unary_rpc_method_handler(unary),
        "/test.S/Unary",
        [interceptor("a"), interceptor("b")],
    )
    registry.add_registered_method_handlers("test.S", {"Unary": handler})
    made = LocalChannel(registry).unary_unary("/test.S/Unary")
    await made(b"x", metadata=[("k", "1"), ("k", "2"), ("raw-bin", b"\xff")])
    assert log == ["a in 2 None", "b in 2 None", "handler", "b out", "a out"]


def test_a_registry_takes_over_anothers_handlers() -> None:
    async def unary(request: bytes, context: Any) -> bytes:
        return request

    one, two = HandlerRegistry(), HandlerRegistry()
    handler = grpc.unary_unary_rpc_method_handler(unary)
    one.add_registered_method_handlers("test.S", {"Unary": handler})
    two.mount(one)
    assert two.services == ["test.S"]
    assert two.find("/test.S/Unary") is one.find("/test.S/Unary") is not None
    assert two.find("/test.S/Other") is None
