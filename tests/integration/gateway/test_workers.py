"""The gateway's ops pages, alone and with several workers, as operators meet them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

from tests.support.operated import ended, gateway
from tests.support.patience import PATIENCE

SLOW = json.dumps({"per_minute": 0.001, "burst": 5})
"""So slow that within a test nothing comes back."""


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
            'systemzero_gateway_breaker_state{backend="capture"}',
            "systemzero_gateway_limit_decisions_total{",
            f'service="gateway",version="{version("systemzero-gateway")}"}} 1.0',
            'systemzero_ready{condition="gateway.store"} 1.0',
            "process_open_fds ",
            "rpc_server_calls_in_flight",
            "rpc_server_draining 0.0",
        ):
            assert name in metrics
        assert await here.page("/livez") == (200, '{"alive":true}\n')
        assert await here.failing() == {
            "gateway.backends": "none of the backends serves: capture, diff"
        }
        assert (await here.page("/other"))[0] == 404
        async with grpc.aio.insecure_channel(here.channelz) as channel:
            stub: Any = channelz_pb2_grpc.ChannelzStub(channel)
            servers = await stub.GetServers(channelz_pb2.GetServersRequest())
        assert sum(server.data.calls_succeeded for server in servers.server) >= 1
        here.process.send_signal(signal.SIGTERM)
        assert await here.process.wait() == 0


async def test_workers_share_a_port_their_metrics_are_one_and_a_dead_one_is_replaced(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path, "--workers", "2") as here:
        before = here.workers()
        assert len(before) == 2
        await asyncio.gather(*(here.ask() for _ in range(8)))
        assert count((await here.page("/metrics"))[1]) == 8
        assert await here.page("/livez") == (200, '{"alive":true}\n')
        assert await here.failing() == {"gateway.backends": "does not hold in any worker"}
        dead = ended(before[0])
        os.kill(before[0], signal.SIGKILL)
        await dead
        while len(after := here.workers()) < 2 or before[0] in after:
            await here.page("/livez")
        await asyncio.gather(*(here.ask() for _ in range(8)))
        metrics = (await here.page("/metrics"))[1]
        assert count(metrics) == 16
        assert "systemzero_worker_restarts_total 1.0" in metrics
        assert "systemzero_workers 2.0" in metrics
        for worker in ("supervisor", "0", "1"):
            for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds"):
                assert f'process_{name}{{worker="{worker}"}}' in metrics
        all_ended = [ended(worker) for worker in after]
        here.process.send_signal(signal.SIGTERM)
        assert await here.process.wait() == 0
        await asyncio.gather(*all_ended)


async def test_exemplars_of_all_workers_are_on_one_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    async with gateway(tmp_path, "--workers", "2") as here:
        trace_ids = [f"{number:032x}" for number in range(1, 9)]
        for trace_id in trace_ids:
            await here.ask(("traceparent", f"00-{trace_id}-00000000000000aa-01"))
        found: set[str] = set()
        async with asyncio.timeout(PATIENCE):
            while not found:
                _, text = await here.page("/metrics", "application/openmetrics-text")
                buckets = [line for line in text.splitlines() if "GetStatus" in line]
                found = set(re.findall(r'# \{trace_id="(\w+)"\}', "\n".join(buckets)))
        assert found <= set(trace_ids)
        assert "trace_id" not in (await here.page("/metrics"))[1]


async def test_no_worker_outlives_its_supervisor(tmp_path: Path) -> None:
    async with gateway(tmp_path, "--workers", "2") as here:
        all_ended = [ended(worker) for worker in here.workers()]
        here.process.kill()
        await asyncio.wait_for(asyncio.gather(*all_ended), PATIENCE)


async def test_workers_keep_one_limit_of_a_caller_and_one_of_an_address(tmp_path: Path) -> None:
    limits = {"LIMITS__PRINCIPAL": SLOW, "LIMITS__FAILURES": SLOW}
    async with gateway(tmp_path, "--workers", "2", **limits) as here:
        # each over a connection of its own: so many never all go to one worker
        called = await asyncio.gather(*(code_of(here.ask()) for _ in range(40)))
        assert Counter(called) == {"OK": 5, "RESOURCE_EXHAUSTED": 35}
        here.bearer = (("authorization", "Bearer s0_live_wrong"),)
        guessed = await asyncio.gather(*(code_of(here.ask()) for _ in range(40)))
        assert Counter(guessed) == {"UNAUTHENTICATED": 5, "RESOURCE_EXHAUSTED": 35}


async def code_of(call: Coroutine[None, None, None]) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


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


async def test_workers_do_not_join_a_port_that_is_taken(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    address = f"127.0.0.1:{taken.sockets[0].getsockname()[1]}"
    status, errors = await failing(tmp_path, "--workers", "2", LISTEN=address)
    taken.close()
    assert status == 2
    assert "in use" in errors


async def test_a_start_that_fails_ends_all_workers(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder is to be")
    settings = {"LISTEN": "127.0.0.1:0", "OPS__LISTEN": ""}
    status, errors = await failing(tmp_path, "--workers", "2", **settings)
    assert status == 2
    assert "Traceback" not in errors
