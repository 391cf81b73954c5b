"""Health as its watchers see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from systemzero_runtime.running.service import Listener
from tests.support.patience import PATIENCE

NAME = "systemzero.test.Echo"
STATUS = health_pb2.HealthCheckResponse


class Served:
    def __init__(self, listener: Listener, channel: grpc.aio.Channel) -> None:
        self.listener = listener
        self.stub = health_pb2_grpc.HealthStub(channel)

    async def check(self, name: str) -> int:
        answer = await self.stub.Check(health_pb2.HealthCheckRequest(service=name))
        status: int = answer.status
        return status

    def watch(self, name: str) -> Any:
        return self.stub.Watch(health_pb2.HealthCheckRequest(service=name))


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    listener = Listener([], [NAME], 1_000)
    port = await listener.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Served(listener, channel)
    await listener.stop(0)


async def test_who_watches_is_told_of_each_change(served: Served) -> None:
    watch = served.watch(NAME)
    assert (await watch.read()).status == STATUS.SERVING
    served.listener.health.set(NAME, False)
    assert (await watch.read()).status == STATUS.NOT_SERVING
    assert await served.check(NAME) == STATUS.NOT_SERVING
    assert await served.check("") == STATUS.SERVING
    served.listener.health.set(NAME, True)
    assert (await watch.read()).status == STATUS.SERVING


async def test_at_shutdown_watches_are_told_and_end_without_using_up_the_grace(
    served: Served,
) -> None:
    watch = served.watch("")
    assert (await watch.read()).status == STATUS.SERVING
    async with asyncio.timeout(PATIENCE):
        await served.listener.stop(grace=600)
    assert (await watch.read()).status == STATUS.NOT_SERVING
    assert await watch.read() is grpc.aio.EOF  # type: ignore[attr-defined]


async def test_all_services_are_listed_with_whether_they_serve(served: Served) -> None:
    served.listener.health.set(NAME, False)
    listed = await served.stub.List(health_pb2.HealthListRequest())
    assert {name: answer.status for name, answer in listed.statuses.items()} == {
        "": STATUS.SERVING,
        "readiness": STATUS.SERVING,
        NAME: STATUS.NOT_SERVING,
    }


async def test_an_unknown_service_is_unknown(served: Served) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await served.check("no.such")
    assert refusal.value.code() is grpc.StatusCode.NOT_FOUND
    assert (await served.watch("no.such").read()).status == STATUS.SERVICE_UNKNOWN
