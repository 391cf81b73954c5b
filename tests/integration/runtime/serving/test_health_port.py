"""The health port, which probes ask that can speak no TLS, and the probe of containers."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero_base.telemetry.logs import get_logger
from systemzero_runtime.probe import ask
from systemzero_runtime.running.service import Listener
from systemzero_runtime.serving.health import LIVENESS
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_runtime.serving.tls import ServerTls, TlsSettings
from tests.support.certificates import Authority, write
from tests.support.patience import PATIENCE

NAME = "systemzero.test.Echo"


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@asynccontextmanager
async def served(address: str, tls: ServerTls | None = None) -> AsyncIterator[Listener]:
    async def echo(request: bytes, context: Any) -> bytes:
        return request

    registry = HandlerRegistry()
    handler = grpc.unary_unary_rpc_method_handler(echo)
    registry.add_registered_method_handlers(NAME, {"Unary": handler})
    listener = Listener([registry], [NAME], 1_000, tls, health_address=address)
    await listener.start("127.0.0.1:0")
    try:
        yield listener
    finally:
        await listener.stop(0)


async def said(address: str, service: str = "") -> str:
    return await asyncio.to_thread(ask, address, service, 20)


async def test_health_is_asked_in_the_clear_where_the_service_wants_certificates(
    tmp_path: Path,
) -> None:
    authority, address = Authority(), free_address()
    certificate, key = write(tmp_path, *authority.issue())
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    settings = TlsSettings(certificate=certificate, key=key, client_ca=tmp_path / "ca.pem")
    async with served(address, ServerTls(settings, get_logger("test"))) as listener:
        assert await said(address) == await said(address, NAME) == "SERVING"
        assert await said(address, "systemzero.test.Other") == "NOT_FOUND"
        listener.health.set(NAME, False)
        assert await said(address, NAME) == "NOT_SERVING"


@pytest.mark.parametrize(
    "method",
    [f"{NAME}/Unary", "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"],
)
async def test_nothing_but_health_is_served_there(method: str) -> None:
    address = free_address()
    async with served(address), grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary  # its types want serialisers
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(f"/{method}")(b"", timeout=PATIENCE)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_process_that_is_being_stopped_is_alive_and_takes_no_calls() -> None:
    address = free_address()
    async with served(address) as listener:
        listener.health.stop()
        assert await said(address) == "NOT_SERVING"
        assert await said(address, LIVENESS) == "SERVING"
    assert await said(address, LIVENESS) == "UNAVAILABLE"


async def test_the_probe_ends_with_the_status_that_orchestrators_read() -> None:
    address = free_address()
    async with served(address) as listener:
        assert await probe(address) == (0, "")
        listener.health.set(NAME, False)
        assert await probe(address, "--service", NAME) == (1, f"{address}: NOT_SERVING\n")
    assert await probe(address) == (1, f"{address}: UNAVAILABLE\n")


async def probe(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "systemzero_runtime.probe", "--timeout", "20", *arguments),
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    return process.returncode, errors.decode()
