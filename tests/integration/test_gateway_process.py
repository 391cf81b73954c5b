"""The gateway as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import grpc
import pytest

from systemzero.gateway.v1 import status_service_pb2, status_service_pb2_grpc
from systemzero_gateway.__main__ import main


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
        ("deadlines: {default: 0}", "deadlines.default"),
        ("routes: {systemzero.capture.: capture}", "leads to no backend"),
        ("backends: {capture: x}", "leads to no backend"),
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


def private_text(file: Path) -> str:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return file.read_text().strip()


async def test_it_starts_says_where_serves_and_stops_on_a_signal(tmp_path: Path) -> None:
    settings = {
        "SZ_GATEWAY_LISTEN": "127.0.0.1:0",
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
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    assert b"Traceback" not in errors
    assert secret.encode() not in errors
