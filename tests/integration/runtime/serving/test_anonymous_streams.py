"""Health and reflection, which everybody may ask without a credential, stay bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client import REGISTRY

from systemzero_core.errors import Overloaded, TooManyInFlight
from systemzero_runtime.running.service import Listener
from systemzero_runtime.serving import awaiting, health, reflecting
from systemzero_runtime.serving.anonymous import AnonymousStreams
from tests.support.gateway import refused
from tests.support.http2 import END_HEADERS, HEADERS, Connection, call_block, frame
from tests.support.loops import until
from tests.support.patience import PATIENCE

QUESTION = reflection_pb2.ServerReflectionRequest(list_services="")


class From:
    """A call's context, as far as it is about whose the call is."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def peer(self) -> str:
        return self._peer


class Served:
    def __init__(self, listener: Listener, channel: grpc.aio.Channel, target: str) -> None:
        self.target = target
        self.listener = listener
        self.health: Any = health_pb2_grpc.HealthStub(channel)
        self.reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)

    def watch(self) -> Any:
        return self.health.Watch(health_pb2.HealthCheckRequest(service=""))


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    listener = Listener([], [], 1_000)
    port = await listener.start("127.0.0.1:0")
    target = f"127.0.0.1:{port}"
    async with grpc.aio.insecure_channel(target) as channel:
        yield Served(listener, channel, target)
    await listener.stop(0)


def refusals(kind: str) -> float:
    labels = {"kind": kind, "bound": "network"}
    return REGISTRY.get_sample_value("rpc_server_unguarded_refusals_total", labels) or 0.0


def test_of_a_network_there_are_so_many_and_so_many_in_all() -> None:
    streams = AnonymousStreams("health", 5, 2)
    with streams.open(From("ipv6:[2001:db8:1::1]:1")), streams.open(From("ipv6:[2001:db8:1::2]:1")):
        with (
            pytest.raises(TooManyInFlight, match="this network has 2 streams of health open"),
            streams.open(From("ipv6:[2001:db8:1::3]:1")),
        ):
            pass
        with (
            streams.open(From("ipv4:192.0.2.1:1")),
            streams.open(From("ipv4:192.0.2.2:1")),
            streams.open(From("ipv4:192.0.2.3:1")),
            pytest.raises(Overloaded, match="5 streams of health are open"),
            streams.open(From("ipv4:192.0.2.4:1")),
        ):
            pass
    assert not len(streams)
    with streams.open(From("ipv6:[2001:db8:1::3]:1")):
        assert len(streams) == 1


async def test_watches_of_health_are_bounded_and_checks_go_on() -> None:
    async with serving() as served:
        watches = [served.watch() for _ in range(health.OF_NETWORK)]
        for watch in watches:
            await watch.read()
        before = refusals("health")
        code, reason, details = await refused(served.watch().read())
        assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_IN_FLIGHT")
        assert details["RetryInfo"].retry_delay.ToMilliseconds() > 0
        assert refusals("health") == before + 1
        answer = await served.health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        for watch in watches:
            watch.cancel()
        await until(lambda: not len(served.listener.health.watches))
        assert await served.watch().read()


async def unused(connection: Connection, path: str) -> int:
    """Begin a call that sends nothing."""
    stream = connection.new_stream()
    await connection.send(frame(HEADERS, END_HEADERS, stream, call_block(path.encode())))
    return stream


@pytest.mark.parametrize("name", ["Check", "List", "Watch"])
async def test_calls_that_were_opened_and_never_used_are_bounded_and_end_at_a_stop(
    name: str,
) -> None:
    async with serving() as served:
        connection = await Connection.open(served.target)
        path = f"/grpc.health.v1.Health/{name}"
        streams = [await unused(connection, path) for _ in range(health.OF_NETWORK + 1)]
        answer = await asyncio.wait_for(connection.answer(streams.pop()), PATIENCE)
        assert answer.status == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
        await asyncio.wait_for(served.listener.stop(600), PATIENCE)
        for stream in streams:
            answer = await connection.answer(stream)
            assert answer.status == grpc.StatusCode.UNAVAILABLE.value[0]
        assert not len(served.listener.health.awaited.calls)
        connection.abandon()


async def test_a_call_that_never_sends_its_message_ends_and_others_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(awaiting, "SECONDS", 0.1)
    async with serving() as served:
        connection = await Connection.open(served.target)
        path = "/grpc.health.v1.Health/Check"
        slow = [await unused(connection, path) for _ in range(awaiting.OF_NETWORK)]
        # of the same network: it waits until one of them has had its time
        answer = await served.health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        for stream in slow:
            ended = await asyncio.wait_for(connection.answer(stream), PATIENCE)
            assert ended.status == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
        connection.abandon()


async def test_streams_of_reflection_are_bounded() -> None:
    async with serving() as served:
        calls = [served.reflection.ServerReflectionInfo() for _ in range(reflecting.OF_NETWORK)]
        for call in calls:
            await call.write(QUESTION)
            await call.read()
        one_more = served.reflection.ServerReflectionInfo()
        code, reason, _ = await refused(one_more.read())
        assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_IN_FLIGHT")
        for call in calls:
            call.cancel()


async def test_a_stream_of_reflection_answers_so_many_questions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reflecting, "QUESTIONS", 20)
    async with serving() as served:
        call = served.reflection.ServerReflectionInfo()
        for _ in range(20):
            await call.write(QUESTION)
            assert (await call.read()).HasField("list_services_response")
        await call.write(QUESTION)
        code, reason, _ = await refused(call.read())
        assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")


async def test_a_stream_of_reflection_lasts_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflecting, "LIFETIME", 0.01)
    async with serving() as served:
        code, _, _ = await refused(served.reflection.ServerReflectionInfo().read())
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_answers_of_reflection_are_given_at_a_pace_in_turns() -> None:
    servicer = reflecting.Reflection([])
    waits = [servicer._wait() for _ in range(3 * reflecting.AT_ONCE)]
    assert not any(waits[: reflecting.AT_ONCE])
    least = (len(waits) - reflecting.AT_ONCE - 1) * reflecting.SECONDS
    assert waits[-1] > 0.9 * least
    assert waits == sorted(waits)


async def test_an_idle_stream_of_reflection_does_not_use_up_the_grace() -> None:
    async with serving() as served:
        call = served.reflection.ServerReflectionInfo()
        await call.write(QUESTION)
        await call.read()
        async with asyncio.timeout(PATIENCE):
            await served.listener.stop(grace=10_000)
