"""The gateway as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml

from systemzero.gateway.v1 import (
    audit_service_pb2,
    audit_service_pb2_grpc,
    status_service_pb2,
    status_service_pb2_grpc,
)
from systemzero_gateway.process import main
from tests.support.operated import gateway
from tests.support.patience import PATIENCE


def arguments(monkeypatch: pytest.MonkeyPatch, file: Path, text: str) -> None:
    file.write_text(text)
    monkeypatch.setattr(sys, "argv", ["gateway", "--config", str(file), "--check-config"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("listen: 127.0.0.1:1", ""),
        ("lissen: 127.0.0.1:1", "lissen"),
        ("limits: {tenant: {burst: 4}}", "limits.tenant.burst: 4"),
        ("limits: {failures: {per_minute: 0}}", "limits.failures"),
        ("limits: {principal: {per_minut: 1}}", "per_minut"),
        ("limits: {in_flight: 0}", "limits.in_flight"),
        ("limits: {total_in_flight: -1}", "limits.total_in_flight"),
        ("limits: {streams: 0}", "limits.streams"),
        ("limits: {total_streams: none}", "limits.total_streams"),
        ("limits: {stream_bytes: 0}", "limits.stream_bytes"),
        ("limits: {store: valkey.example}", "store: must be a URL"),
        ("limits: {store: 'redis://'}", "store: must be a URL"),
        ("limits: {store: 'redis://valkey.example:x'}", "store: must be a URL"),
        ("limits: {store: 'redis://:horse@valkey.example'}", "store_password_file"),
        ("limits: {store: 'redis://valkey.example/?password=horse'}", "store_password_file"),
        ("limits: {store_password_file: some.file}", "there is no store"),
        ("limits: {store: 'redis://a', store_password_file: none.such}", "store_password_file"),
        ("limits: {store_timeout: 0}", "limits.store_timeout"),
        ("audit: {queue: 0}", "audit.queue"),
        ("audit: {key: x}", "key"),
        ("audit: {queue: 10, origin: systemzero.example/audit}", ""),
        ("limits: {on_store_failure: allow}", "limits.on_store_failure"),
        ("limits: {store: 'rediss://a:1/2', on_store_failure: local, store_timeout: 0.1}", ""),
        ("deadlines: {default: 0}", "deadlines.default"),
        ("routes: {systemzero.capture.: capture}", "leads to no backend"),
        ("backends: {capture: x}", "leads to no backend"),
        ("routes: {systemzero.: gateway}", "leads to no backend"),
        ("routes: {systemzero.: capture}", ""),
        ("grace: [", "gateway.yaml"),
    ],
)
def test_the_configuration_is_checked_without_starting(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    told: str,
) -> None:
    arguments(monkeypatch, tmp_path / "gateway.yaml", text)
    assert main() == (2 if told else 0)
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["gateway.yaml"]


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("LIMITS__STORE", "redis://valkey.example:6379/1", ""),
        ("LIMITS__STORE_TIMEOUT", "0.2", ""),
        ("LIMITS__TENANT__PER_MINUTE", "600", ""),
        ("LIMITS__IN_FLIGHT", "0", "limits.in_flight"),
        ("LIMITS__STREAM_BYTES", "many", "limits.stream_bytes"),
        ("LIMITS__IN_FLIHGT", "1", "in_flihgt"),
    ],
)
def test_the_environment_is_checked_as_the_file_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    told: str,
) -> None:
    arguments(monkeypatch, tmp_path / "gateway.yaml", "")
    monkeypatch.setenv(f"SZ_GATEWAY_{variable}", value)
    assert main() == (2 if told else 0)
    assert told in capsys.readouterr().err


def private_text(file: Path) -> str:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return file.read_text().strip()


async def test_it_starts_says_where_serves_and_stops_on_a_signal(tmp_path: Path) -> None:
    settings = {
        "SZ_GATEWAY_LISTEN": "127.0.0.1:0",
        "SZ_GATEWAY_OPS__LISTEN": "127.0.0.1:0",
        "SZ_GATEWAY_OPS__CHANNELZ": "127.0.0.1:0",
        "SZ_GATEWAY_DATA": str(tmp_path / "data"),
        "SZ_GATEWAY_TRUST": str(tmp_path / "trust"),
        "SZ_GATEWAY_BACKENDS": '{"capture": "127.0.0.1:1", "diff": "127.0.0.1:1"}',
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "systemzero_gateway"),
        env=os.environ | settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    target = (await process.stdout.readline()).decode().split()[-1]
    file = Path((await process.stdout.readline()).decode().split()[-1])
    secret = private_text(file)
    bearer = (("authorization", f"Bearer {secret}"),)
    async with grpc.aio.insecure_channel(target) as channel:
        stub = status_service_pb2_grpc.StatusServiceStub(channel)
        status = await stub.GetStatus(status_service_pb2.GetStatusRequest(), metadata=bearer)
    assert [(backend.name, backend.serving) for backend in status.backends] == [
        ("capture", False),
        ("diff", False),
    ]
    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
    assert b"Traceback" not in errors
    assert secret.encode() not in errors


LEARN = "/systemzero.diff.v1.TemplateService/LearnTemplate"


class Diff(grpc.GenericRpcHandler):  # type: ignore[type-arg] # not generic at run time
    """Has taken what it is asked to do, and never says so."""

    def __init__(self) -> None:
        self.taken = asyncio.Event()

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_unary_rpc_method_handler(self._take) if details.method == LEARN else None

    async def _take(self, _request: bytes, _context: Any) -> bytes:
        self.taken.set()
        await asyncio.Event().wait()
        return b""


async def test_an_act_is_in_the_log_though_the_gateway_was_killed_while_it_was_done(
    tmp_path: Path,
) -> None:
    diff, server = Diff(), grpc.aio.server()
    server.add_generic_rpc_handlers((diff,))
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    backends = {"BACKENDS": json.dumps({"capture": "127.0.0.1:1", "diff": target})}
    async with gateway(tmp_path, **backends) as killed:
        bearer = killed.bearer
        async with grpc.aio.insecure_channel(killed.target) as channel:
            learn: Any = channel.unary_unary(LEARN, None, None)
            call = learn(b"", metadata=(*bearer, ("x-request-id", "r-1")), wait_for_ready=True)
            await asyncio.wait_for(diff.taken.wait(), PATIENCE)
            killed.process.kill()
            await killed.process.wait()
            with pytest.raises(grpc.aio.AioRpcError):
                await call
    async with (
        gateway(tmp_path, **backends) as again,
        grpc.aio.insecure_channel(again.target) as channel,
    ):
        audit: Any = audit_service_pb2_grpc.AuditServiceStub(channel)
        listed: Any = None
        while listed is None or not listed.entries:
            request = audit_service_pb2.ListEntriesRequest(page_size=10)
            listed = await audit.ListEntries(request, metadata=bearer)
        entry = listed.entries[0]
        body = json.loads(entry.body)
        assert entry.kind == "call.failed"
        assert (body["method"], body["reason"], body["request_id"]) == (LEARN, "INTERRUPTED", "r-1")
    await server.stop(0)


async def told(process: asyncio.subprocess.Process, event: str) -> dict[str, Any]:
    """The next log line of the process with `event`."""
    assert process.stderr is not None
    while True:
        line = await asyncio.wait_for(process.stderr.readline(), PATIENCE)
        assert line
        if line.startswith(b"{") and (fields := json.loads(line))["event"] == event:
            return dict(fields)


@pytest.mark.parametrize(
    ("host", "warned"),
    [("0.0.0.0", True), ("127.0.0.1", False)],  # noqa: S104 - this is warned of
)
async def test_listening_in_the_clear_on_more_than_loopback_is_warned_of(
    tmp_path: Path, host: str, warned: bool
) -> None:
    async with gateway(tmp_path, LISTEN=f"{host}:0") as running:
        await running.ask()
        running.process.send_signal(signal.SIGTERM)  # what is logged is written before its end
        assert await running.process.wait() == 0
    lines = (json.loads(line) for line in (tmp_path / "log").read_text().splitlines())
    events = [line["address"] for line in lines if line["event"] == "listening in the clear"]
    assert events == ([f"{host}:0"] if warned else [])


async def test_a_hangup_has_it_read_its_limits_again(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    settings: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "data": str(tmp_path / "data"),
        "trust": str(tmp_path / "trust"),
        "backends": {"capture": "127.0.0.1:1", "diff": "127.0.0.1:1"},
        "ops": {"listen": "127.0.0.1:0", "channelz": "127.0.0.1:0"},
    }
    file.write_text(yaml.safe_dump(settings))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "systemzero_gateway", "--config", str(file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    target = (await process.stdout.readline()).decode().split()[-1]
    secret = private_text(Path((await process.stdout.readline()).decode().split()[-1]))
    async with grpc.aio.insecure_channel(target) as channel:
        path = status_service_pb2_grpc.StatusServiceStub(channel)

        async def limit() -> str | bytes:
            request = status_service_pb2.GetStatusRequest()
            call = path.GetStatus(request, metadata=(("authorization", f"Bearer {secret}"),))
            await call
            return dict(await call.trailing_metadata())["ratelimit-limit"]

        assert await limit() == "40"
        limits = {"principal": {"burst": 30}, "in_flight": 5, "store": "redis://valkey.example"}
        file.write_text(yaml.safe_dump(settings | {"limits": limits}))
        process.send_signal(signal.SIGHUP)
        reloaded = await told(process, "limits.reloaded")
        assert reloaded["changed"] == {"principal.burst": "40 -> 30", "in_flight": "100 -> 5"}
        assert reloaded["needs_restart"] == ["store"]
        assert await limit() == "30"
        for wrong in ("limits: {burst: 3}", "limits: {principal: {burst: 1}}", "limits: ["):
            file.write_text(wrong)
            process.send_signal(signal.SIGHUP)
            assert (await told(process, "reload failed"))["level"] == "error"
        assert await limit() == "30"
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
