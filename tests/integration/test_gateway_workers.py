"""The gateway's ops pages, alone and with several workers, as operators meet them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

from systemzero.gateway.v1 import status_service_pb2, status_service_pb2_grpc
from tests.support.valkey import RealValkey

PATIENT = {"LIMITS__ON_STORE_FAILURE": "local"}
"""On a busy machine the store may answer late, which is not what is tested here."""


class Running:
    """A gateway process, or a supervisor with its workers."""

    def __init__(self, process: asyncio.subprocess.Process, lines: dict[str, list[str]]) -> None:
        self.process = process
        self.target = lines["listening"][0]
        self.metrics = lines["metrics"][0]
        self.channelz = lines["channelz"][0]
        secret = Path(lines["first"][0]).read_text().strip()
        self.bearer = (("authorization", f"Bearer {secret}"),)

    async def page(self, path: str) -> tuple[int, str]:
        """A page of the ops port: its status and its text."""

        def get() -> tuple[int, str]:
            try:
                with urllib.request.urlopen(f"http://{self.metrics}{path}", timeout=20) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        return await asyncio.to_thread(get)

    async def ask(self) -> None:
        """A call over a connection of its own."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(self.target, options=options) as channel:
            stub: Any = status_service_pb2_grpc.StatusServiceStub(channel)
            request = status_service_pb2.GetStatusRequest()
            await stub.GetStatus(request, metadata=self.bearer, wait_for_ready=True, timeout=30)

    def workers(self) -> list[int]:
        """The ids of the processes that hold a listening gateway."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [
            int(child)
            for child in children.split()
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]


@asynccontextmanager
async def gateway(data: Path, *arguments: str, **settings: str) -> AsyncIterator[Running]:
    own = {
        "LISTEN": "127.0.0.1:0",
        "OPS__LISTEN": "127.0.0.1:0",
        "OPS__CHANNELZ": "127.0.0.1:0",
        "DATA": str(data / "data"),
        "TRUST": str(data / "trust"),
        "BACKENDS": '{"capture": "127.0.0.1:1", "diff": "127.0.0.1:1"}',
        **settings,
    }
    log = data / "log"
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "systemzero_gateway", *arguments),
            env=os.environ | {f"SZ_GATEWAY_{key}": value for key, value in own.items()},
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        lines: dict[str, list[str]] = {}
        while not {"listening", "first", "channelz", "metrics"} <= lines.keys():
            line = (await process.stdout.readline()).decode()
            assert line, log.read_text()
            words = line.removeprefix("gateway: ").split()
            lines.setdefault(words[0], []).append(words[-1])
        yield Running(process, lines)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        rest, _ = await process.communicate()
        assert rest == b"", "it announced twice"


@pytest.fixture(scope="module")
def valkey() -> Iterator[RealValkey]:
    server = RealValkey()
    yield server
    server.stop()


def ended(pid: int) -> asyncio.Future[None]:
    """Done when the process of that id has ended."""
    loop = asyncio.get_running_loop()
    future, descriptor = loop.create_future(), os.pidfd_open(pid)

    def tell() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        future.set_result(None)

    loop.add_reader(descriptor, tell)
    return future


def count(metrics: str, status: str = "OK") -> float:
    """How many calls of GetStatus ended so."""
    pattern = (
        r'^rpc_server_call_duration_seconds_count\{rpc_method="[^"]*GetStatus",'
        rf'rpc_response_status_code="{status}"\}} (.+)$'
    )
    return sum(float(number) for number in re.findall(pattern, metrics, re.MULTILINE))


async def test_operators_see_metrics_life_readiness_and_channels(tmp_path: Path) -> None:
    async with gateway(tmp_path) as here:
        await here.ask()
        status, metrics = await here.page("/metrics")
        assert (status, count(metrics)) == (200, 1)
        for name in (
            'gateway_breaker_state{backend="capture"}',
            "gateway_limit_decisions_total{",
            "rpc_server_calls_in_flight",
            "rpc_server_draining 0.0",
        ):
            assert name in metrics
        assert await here.page("/livez") == (200, "yes\n")
        assert await here.page("/readyz") == (200, "yes\n")
        assert (await here.page("/other"))[0] == 404
        async with grpc.aio.insecure_channel(here.channelz) as channel:
            stub: Any = channelz_pb2_grpc.ChannelzStub(channel)
            servers = await stub.GetServers(channelz_pb2.GetServersRequest())
        assert sum(server.data.calls_succeeded for server in servers.server) >= 1
        here.process.send_signal(signal.SIGTERM)
        assert await here.process.wait() == 0


async def test_workers_share_a_port_their_metrics_are_one_and_a_dead_one_is_replaced(
    tmp_path: Path, valkey: RealValkey
) -> None:
    async with gateway(tmp_path, "--workers", "2", LIMITS__STORE=valkey.url, **PATIENT) as here:
        before = here.workers()
        assert len(before) == 2
        await asyncio.gather(*(here.ask() for _ in range(8)))
        assert count((await here.page("/metrics"))[1]) == 8
        assert await here.page("/livez") == (200, "yes\n")
        assert await here.page("/readyz") == (200, "yes\n")
        dead = ended(before[0])
        os.kill(before[0], signal.SIGKILL)
        await dead
        while len(after := here.workers()) < 2 or before[0] in after:
            await here.page("/livez")
        await asyncio.gather(*(here.ask() for _ in range(8)))
        assert count((await here.page("/metrics"))[1]) == 16
        all_ended = [ended(worker) for worker in after]
        here.process.send_signal(signal.SIGTERM)
        assert await here.process.wait() == 0
        await asyncio.gather(*all_ended)


async def test_no_worker_outlives_its_supervisor(tmp_path: Path, valkey: RealValkey) -> None:
    async with gateway(tmp_path, "--workers", "2", LIMITS__STORE=valkey.url, **PATIENT) as here:
        all_ended = [ended(worker) for worker in here.workers()]
        here.process.kill()
        await asyncio.wait_for(asyncio.gather(*all_ended), 20)


async def failing(data: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "systemzero_gateway", *arguments),
        env=os.environ
        | {"SZ_GATEWAY_DATA": str(data / "data"), "SZ_GATEWAY_TRUST": str(data / "trust")}
        | {f"SZ_GATEWAY_{key}": value for key, value in settings.items()},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    return process.returncode or 0, errors.decode()


async def test_workers_without_a_shared_store_of_limits_are_refused(tmp_path: Path) -> None:
    status, errors = await failing(tmp_path, "--workers", "2")
    assert status == 2
    assert "limits.store" in errors


async def test_workers_do_not_join_a_port_that_is_taken(tmp_path: Path, valkey: RealValkey) -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    address = f"127.0.0.1:{taken.sockets[0].getsockname()[1]}"
    settings = {"LISTEN": address, "LIMITS__STORE": valkey.url}
    status, errors = await failing(tmp_path, "--workers", "2", **settings)
    taken.close()
    assert status == 2
    assert "in use" in errors


async def test_a_start_that_fails_ends_all_workers(tmp_path: Path, valkey: RealValkey) -> None:
    (tmp_path / "data").write_text("a file where a folder is to be")
    settings = {"LISTEN": "127.0.0.1:0", "OPS__LISTEN": "", "LIMITS__STORE": valkey.url}
    status, errors = await failing(tmp_path, "--workers", "2", **settings)
    assert status == 2
    assert "Traceback" not in errors
