"""Services that have no file descriptor left: what callers, operators and the database notice."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import select

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.capture.v1 import capture_service_pb2_grpc
from systemzero_core.errors import Unavailable
from systemzero_diff.store import METADATA, SCHEMA_VERSION
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.serving.health import READINESS
from systemzero_runtime.serving.local import LocalChannel
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_storage.database import open_sqlite
from tests.support.descriptors import no_descriptor_left
from tests.support.gateway import refused
from tests.support.patience import PATIENCE
from tests.support.platform import Platform, running
from tests.support.stores import document, tree

SAID = "no file descriptor left"


async def ready(channel: grpc.aio.Channel, wanted: int) -> None:
    """Wait until the process is ready, or not, as who watches it over `channel` learns."""
    request = health_pb2.HealthCheckRequest(service=READINESS)
    stub: Any = health_pb2_grpc.HealthStub(channel)
    async with asyncio.timeout(PATIENCE):
        async for answer in stub.Watch(request):
            if answer.status == wanted:
                return


def processes(platform: Platform) -> list[int]:
    """The services' processes."""
    pid = platform.process.pid
    if platform.kind == "standalone":
        return [pid]
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


@pytest.mark.parametrize("kind", ["standalone", "split"])
async def test_a_platform_without_descriptors_says_so_loses_nothing_and_comes_back(
    tmp_path: Path, kind: str
) -> None:
    with running(kind, tmp_path) as platform:
        bearer = (("authorization", f"Bearer {platform.admin_key}"),)
        async with grpc.aio.insecure_channel(platform.target) as channel:
            stub: Any = capture_service_pb2_grpc.CaptureServiceStub(channel)
            stored = []

            async def ingest(name: str) -> None:
                request = pb.IngestRequest(native=document(tree(name)), request_id=name)
                answer = await stub.Ingest(request, metadata=bearer, timeout=PATIENCE)
                stored.append(answer.capture.capture_id)

            await ingest("before")
            await ready(channel, health_pb2.HealthCheckResponse.SERVING)
            pids = processes(platform)
            with ExitStack() as stack:
                for pid in pids:
                    stack.enter_context(no_descriptor_left(pid))
                await ready(channel, health_pb2.HealthCheckResponse.NOT_SERVING)
                try:
                    await ingest("meanwhile")
                except grpc.aio.AioRpcError as error:
                    assert error.code() is grpc.StatusCode.UNAVAILABLE  # noqa: PT017 - or it is done
            await ready(channel, health_pb2.HealthCheckResponse.SERVING)
            await ingest("after")
            await ingest("meanwhile")
            listed = await stub.ListCaptures(pb.ListCapturesRequest(), metadata=bearer)
            assert {each.capture_id for each in listed.captures} == set(stored)
            assert len(set(stored)) == 3
        lines = (tmp_path / "stderr.log").read_text()
    assert lines.count("descriptors.none_left") == len(pids)
    assert SAID in lines


async def test_a_database_that_can_t_be_opened_for_want_of_a_descriptor_says_so(
    tmp_path: Path,
) -> None:
    table = next(iter(METADATA.tables.values()))
    database = open_sqlite(tmp_path / "diff.db", METADATA, SCHEMA_VERSION)
    with no_descriptor_left(), pytest.raises(Unavailable, match=SAID):
        await database.read(lambda connection: connection.execute(select(table)).first())
    await database.read(lambda connection: connection.execute(select(table)).first())
    await database.close()


def own_text() -> bytes:
    with no_descriptor_left():
        return Path(__file__).read_bytes()


async def test_a_call_that_fails_for_want_of_a_descriptor_is_unavailable() -> None:
    async def method(_request: bytes, _context: Any) -> bytes:
        return own_text()

    reported: list[Any] = []
    registry = HandlerRegistry([errors_interceptor(lambda _call, error: reported.append(error))])
    handlers = {"Do": grpc.unary_unary_rpc_method_handler(method)}
    registry.add_registered_method_handlers("a.Service", handlers)
    channel = LocalChannel(registry)
    code, reason, _ = await refused(channel.unary_unary("/a.Service/Do")(b""))
    assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
    assert reported == []
