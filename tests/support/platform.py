"""A running platform, as users meet it: real processes, standalone or split, on free ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from systemzero.capture.v1 import capture_service_pb2_grpc
from systemzero.diff.v1 import (
    diff_service_pb2_grpc,
    drift_service_pb2_grpc,
    template_service_pb2_grpc,
)
from systemzero.gateway.v1 import (
    auth_service_pb2_grpc,
    status_service_pb2,
    status_service_pb2_grpc,
    tenant_service_pb2_grpc,
)
from systemzero.log.v1 import log_service_pb2_grpc
from tests.support.patience import PATIENCE

KINDS = ("standalone", "split")
LAYOUTS = (("standalone", 1), ("split", 1), ("standalone", 2))
"""Kinds, and how many workers serve; for what workers might get wrong."""
GENEROUS = json.dumps({"per_minute": 10_000_000, "burst": 1_000_000})
"""Limits that no test runs into, unless it sets its own."""


@dataclass
class Platform:
    """One running platform."""

    kind: str
    data: Path
    target: str
    admin_key: str
    process: subprocess.Popen[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)

    def services(self, key: str | None = None) -> Services:
        """Stubs of every service, called with `key`, the first admin key if not given."""
        return Services(self.target, self.admin_key if key is None else key)

    def kill(self) -> None:
        """Kill every process of the platform at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """Ask it to stop; its exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end; its exit status."""
        status = self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


class Services:
    """Stubs that carry a credential. Untyped: grpc's types know no iterating, no cancelling."""

    def __init__(self, target: str, key: str) -> None:
        self.channel = grpc.insecure_channel(
            target,
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
                # a connection of its own, as a client has that is a process of its own
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )
        metadata = [("authorization", f"Bearer {key}")] if key else []

        def stub(kind: Callable[[grpc.Channel], object]) -> Any:
            return _Credential(kind(self.channel), metadata)

        self.capture_stub: Any = capture_service_pb2_grpc.CaptureServiceStub(self.channel)
        self.capture = stub(capture_service_pb2_grpc.CaptureServiceStub)
        self.template = stub(template_service_pb2_grpc.TemplateServiceStub)
        self.diff = stub(diff_service_pb2_grpc.DiffServiceStub)
        self.drift = stub(drift_service_pb2_grpc.DriftServiceStub)
        self.log = stub(log_service_pb2_grpc.LogServiceStub)
        self.auth = stub(auth_service_pb2_grpc.AuthServiceStub)
        self.tenants = stub(tenant_service_pb2_grpc.TenantServiceStub)
        self.status = stub(status_service_pb2_grpc.StatusServiceStub)

    def __enter__(self) -> Services:
        return self

    def __exit__(self, *error: object) -> None:
        self.channel.close()


class _Credential:
    """A stub whose every call carries `metadata`."""

    def __init__(self, stub: object, metadata: list[tuple[str, str]]) -> None:
        self._stub = stub
        self._metadata = metadata

    def __getattr__(self, name: str) -> Any:
        return partial(getattr(self._stub, name), metadata=self._metadata)


@contextmanager
def running(
    kind: str,
    data: Path,
    environment: Mapping[str, str] | None = None,
    database: Path | None = None,
    workers: int = 1,
) -> Iterator[Platform]:
    """A platform of `kind` whose state is below `data`; `environment` has settings of the gateway.

    Their names are without prefix: `LIMITS__TENANT`. `database` is a file with the URL of a
    PostgreSQL, if that is where state goes. `workers` are the standalone process's, or of a split
    platform the gateway's.
    """
    platform = start(kind, data, environment, database, workers)
    try:
        yield platform
    finally:
        if platform.process.poll() is None:
            platform.kill()


def start(
    kind: str,
    data: Path,
    environment: Mapping[str, str] | None = None,
    database: Path | None = None,
    workers: int = 1,
) -> Platform:
    """Start a platform; returns when every service of it serves, in every worker."""
    prefix = "SZ_STANDALONE_GATEWAY__" if kind == "standalone" else "SZ_GATEWAY_"
    limits = {"LIMITS__TENANT": GENEROUS, "LIMITS__PRINCIPAL": GENEROUS}
    # on ports that nobody asks for, or nowhere: platforms run beside each other
    unasked = {"OPS__LISTEN": "", "OPS__CHANNELZ": ""}
    given = {**limits, **unasked, **(environment or {})}
    own = {f"{prefix}{key}": value for key, value in given.items()}
    if kind == "standalone":
        own |= {"SZ_STANDALONE_LISTEN": "127.0.0.1:0", "SZ_STANDALONE_DATA": str(data)}
        own["SZ_STANDALONE_WORKERS"] = str(workers)
        command = [sys.executable, "-m", "systemzero_standalone"]
    else:
        own["SZ_GATEWAY_WORKERS"] = str(workers)
        for name in (f"SZ_{name}_{key}" for name in ("CAPTURE", "DIFF") for key in unasked):
            own[name] = os.environ.get(name, "")
        command = [sys.executable, "-m", "scripts.run_split"]
        command += ["--listen", "127.0.0.1:0", "--data", str(data)]
    if database is not None:
        owners = ("STANDALONE",) if kind == "standalone" else ("GATEWAY", "CAPTURE", "DIFF")
        own |= {f"SZ_{owner}_DATABASE__URL_FILE": str(database) for owner in owners}
    data.mkdir(parents=True, exist_ok=True)
    log = data / "stderr.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            command,
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
    patience = threading.Timer(PATIENCE, os.killpg, (process.pid, signal.SIGKILL))
    patience.start()
    try:
        target, key_file = _announced(process, log)
    except AssertionError:
        process.kill()
        process.communicate()
        raise
    finally:
        patience.cancel()
    key = Path(key_file).read_text().strip()
    platform = Platform(kind, data, target, key, process, log, dict(environment or {}))
    with platform.services() as services:
        until_serving(services)
    return platform


def _announced(process: subprocess.Popen[str], log: Path) -> tuple[str, str]:
    target = key_file = ""
    assert process.stdout is not None
    for said in process.stdout:
        line = said.removeprefix("gateway: ")
        if line.startswith("listening on "):
            target = line.removeprefix("listening on ").strip()
        if line.startswith("first admin key in "):
            key_file = line.removeprefix("first admin key in ").strip()
        if target and key_file:
            return target, key_file
    raise AssertionError(f"the platform did not start:\n{log.read_text()}")


def until_serving(services: Services) -> None:
    """Wait until every backend serves."""
    while True:
        request = status_service_pb2.GetStatusRequest()
        status = services.status.GetStatus(request, wait_for_ready=True, timeout=PATIENCE)
        if all(backend.serving for backend in status.backends):
            return
