"""Whether a process takes calls, as its orchestrator asks: real processes, signals, databases."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import MetaData

from systemzero.capture.v1 import capture_service_pb2, capture_service_pb2_grpc
from systemzero.gateway.v1 import auth_service_pb2, auth_service_pb2_grpc
from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.pool import Pool
from systemzero_diff.store import SCHEMA
from systemzero_runtime.operations.readiness import Readiness
from systemzero_runtime.operations.sampler import Sampler
from systemzero_storage.database import open_sqlite
from systemzero_storage.database.sampler import StoreSampler
from tests.support import operated
from tests.support.loops import some_loops
from tests.support.operated import Running
from tests.support.patience import PATIENCE
from tests.support.postgres import ROLE, Server, process

STATUS = health_pb2.HealthCheckResponse


async def until(running: Running, good: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """Ask until what fails is as `good` says."""
    async with asyncio.timeout(PATIENCE):
        while not good(failing := await running.failing()):
            pass
    return failing


async def healthy(address: str, wanted: int, name: str = "") -> None:
    """Wait until the health is as `wanted`, as who watches it learns."""
    request = health_pb2.HealthCheckRequest(service=name)
    async with grpc.aio.insecure_channel(address) as channel, asyncio.timeout(PATIENCE):
        stub: Any = health_pb2_grpc.HealthStub(channel)
        async for answer in stub.Watch(request):
            if answer.status == wanted:
                return


async def test_a_service_whose_disk_takes_nothing_more_is_not_ready(tmp_path: Path) -> None:
    async with operated.gateway(tmp_path) as running:
        await until(running, lambda failing: "gateway.store" not in failing)
        none = resource.RLIM_INFINITY
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (4_096, none))
        with pytest.raises(grpc.RpcError) as refused:
            await new_key(running)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        failing = await until(running, lambda failing: "gateway.store" in failing)
        assert failing["gateway.store"] == "the disk with the database fails"
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (none, none))
        await until(running, lambda failing: "gateway.store" not in failing)
        await new_key(running)


async def new_key(running: Running) -> None:
    """Have the gateway write something."""
    key = auth_service_pb2.ApiKey(name="a", role=auth_service_pb2.ROLE_VIEWER)
    request = auth_service_pb2.CreateApiKeyRequest(api_key=key)
    async with grpc.aio.insecure_channel(running.target) as channel:
        stub: Any = auth_service_pb2_grpc.AuthServiceStub(channel)
        await stub.CreateApiKey(request, metadata=running.bearer, timeout=PATIENCE)


async def test_a_service_on_a_disk_without_room_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_sqlite(tmp_path / "a.db", MetaData(), 1)
    loops = some_loops()
    store = StoreSampler("here", tmp_path, database, get_logger("test"), loops)
    sampler = Sampler("here", loops, [store])
    monkeypatch.setattr("systemzero_storage.database.sampler.LEAST_FREE", 2**62)
    sampler.start()
    async with asyncio.timeout(PATIENCE):
        while "bytes free" not in sampler.conditions["here.store"]():
            await database.check()
    await sampler.stop()
    await database.close()


async def test_a_service_is_ready_while_its_database_answers(tmp_path: Path) -> None:
    with process() as database:
        database.start()
        server = Server(database.url)
        url = tmp_path / "url"
        url.write_text(server.url)
        migrate(server)
        async with operated.service("diff", tmp_path, DATABASE__URL_FILE=str(url)) as diff:
            assert await diff.failing() == {}
            await healthy(diff.target, STATUS.SERVING)
            await healthy(diff.target, STATUS.SERVING, "readiness")
            await asyncio.to_thread(database.stop)
            failing = await until(diff, bool)
            assert list(failing) == ["diff.store"]
            assert failing["diff.store"] == "the database does not answer"
            assert (await diff.page("/livez"))[0] == 200
            metrics = (await diff.page("/metrics"))[1]
            assert 'systemzero_database_up{database="diff"} 0.0' in metrics
            await healthy(diff.target, STATUS.NOT_SERVING)
            await healthy(diff.target, STATUS.NOT_SERVING, "readiness")
            await healthy(diff.target, STATUS.SERVING, "liveness")
            await asyncio.to_thread(database.start)
            assert await until(diff, lambda failing: not failing) == {}
            await healthy(diff.target, STATUS.SERVING)


async def test_a_service_whose_schema_was_taken_back_is_not_ready(tmp_path: Path) -> None:
    with process() as database:
        database.start()
        server = Server(database.url)
        url = tmp_path / "url"
        url.write_text(server.url)
        migrate(server)
        async with operated.service("diff", tmp_path, DATABASE__URL_FILE=str(url)) as diff:
            assert await diff.failing() == {}
            statement = "UPDATE diff.alembic_version SET version_num = "
            server.run(lambda c: c.exec_driver_sql(f"{statement} '9999'"))
            server.run(lambda c: c.exec_driver_sql(f"{statement} '0000'"))
            failing = await until(diff, bool)
            assert "run `sz-admin migrate`" in failing["diff.store"]


def migrate(server: Server) -> None:
    from systemzero_storage.database.migrate import migrate_postgres

    migrate_postgres(server.owner_url, SCHEMA, ROLE)


class Held(capture_service_pb2_grpc.CaptureServiceServicer):
    """Answers when it is allowed to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.allowed = asyncio.Event()

    async def GetCapture(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.asked.set()
        await self.allowed.wait()
        return capture_service_pb2.GetCaptureResponse()


async def test_a_drain_is_seen_until_the_last_call_has_ended(tmp_path: Path) -> None:
    held, server = Held(), grpc.aio.server()  # type: ignore[abstract] # no more is called
    capture_service_pb2_grpc.add_CaptureServiceServicer_to_server(held, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    backends = f'{{"capture": "127.0.0.1:{port}", "diff": "127.0.0.1:1"}}'
    async with operated.gateway(tmp_path, BACKENDS=backends, GRACE="60") as gateway:
        assert await gateway.failing() == {}, "one of the backends serves"
        async with grpc.aio.insecure_channel(gateway.target) as channel:
            stub: Any = capture_service_pb2_grpc.CaptureServiceStub(channel)
            request = capture_service_pb2.GetCaptureRequest(capture_id="cap_1")
            call = asyncio.ensure_future(stub.GetCapture(request, metadata=gateway.bearer))
            await held.asked.wait()
            gateway.process.send_signal(signal.SIGTERM)
            failing = await until(gateway, bool)
            assert failing == {"running": "the process is being stopped"}
            assert (await gateway.page("/livez"))[0] == 200
            metrics = (await gateway.page("/metrics"))[1]
            assert "rpc_server_draining 1.0" in metrics
            assert 'systemzero_ready{condition="running"} 0.0' in metrics
            held.allowed.set()
            assert await call == capture_service_pb2.GetCaptureResponse()
        assert await gateway.process.wait() == 0
    await server.stop(0)


def test_who_watches_readiness_is_told_of_changes_alone() -> None:
    why, told = [""], list[bool]()
    readiness = Readiness({"store": lambda: why[0]})
    readiness.watch(told.append)
    readiness.start()
    readiness.tell()
    why[0] = "away"
    readiness.tell()
    assert readiness.failing() == {"store": "away"}
    why[0] = ""
    readiness.tell()
    readiness.stop()
    assert told == [True, False, True, False]
    assert list(readiness.failing()) == ["running"]


def test_a_pool_counts_what_runs_and_what_waits() -> None:
    pool = Pool("test", 1)
    with pool:
        tasks = [pool.submit(int, "1") for _ in range(20)]
        with pytest.raises(ValueError, match="invalid literal"):
            pool.submit(int, "x").result()
        assert [task.result() for task in tasks] == [1] * 20
    assert pool.tasks == 0
