"""A split platform whose backends a test can reach past the gateway, with two tenants on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from scripts.run_split import environments
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from systemzero.gateway.v1 import tenant_service_pb2_grpc
from systemzero.policy.v1 import policy_pb2
from systemzero_wire import contract
from tests.support.patience import PATIENCE, deadlines
from tests.support.platform import GENEROUS, Services, until_serving

ALL_METHODS = contract.methods()
METHODS = {
    path: method
    for path, method in ALL_METHODS.items()
    if not method.GetOptions().Extensions[policy_pb2.access].internal
}
"""What callers may call, by path."""
INTERNAL = sorted(ALL_METHODS.keys() - METHODS.keys())
"""What only the platform's own services call."""
RIVAL = "rival"

Metadata = tuple[tuple[str, str | bytes], ...]


class Outcome(NamedTuple):
    """How a call ended: what a client sees of it."""

    code: grpc.StatusCode
    message: str
    details: bytes
    reason: str
    responses: tuple[bytes, ...] = ()


@dataclass
class Exposed:
    """The running platform; keys are those of admins."""

    target: str
    backends: dict[str, str]
    data: Path
    own_key: str
    platform_key: str
    rival_key: str
    channel: grpc.Channel

    def services(self, key: str) -> Services:
        return Services(self.target, key)


@contextmanager
def exposed(data: Path, database: Path | None = None) -> Iterator[Exposed]:
    """Start the three processes over `data`; limits are such that no test runs into them.

    `database` is a file with the URL of a PostgreSQL, if that is where state goes.
    """
    found = environments("127.0.0.1:0", data)
    backends = {name: found[name][f"SZ_{name.upper()}_LISTEN"] for name in ("capture", "diff")}
    for name in ("TENANT", "PRINCIPAL", "FAILURES"):
        found["gateway"][f"SZ_GATEWAY_LIMITS__{name}"] = GENEROUS
    for service, environment in found.items():
        for name in ("LISTEN", "CHANNELZ"):
            environment[f"SZ_{service.upper()}_OPS__{name}"] = ""
        if database is not None:
            environment[f"SZ_{service.upper()}_DATABASE__URL_FILE"] = str(database)
    data.mkdir(parents=True, exist_ok=True)
    with (data / "stderr.log").open("ab") as log:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", f"systemzero_{name}"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            for name, environment in found.items()
        ]
    try:
        target = _address(processes[-1])
        own, platform = (_key(data / "gateway" / f"{name}.key") for name in ("admin", "platform"))
        with grpc.insecure_channel(target) as channel, Services(target, own) as services:
            until_serving(services)
            rival = _new_tenant(channel, platform)
            yield Exposed(target, backends, data, own, platform, rival, channel)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def bearer(credential: str) -> Metadata:
    return (("authorization", f"Bearer {credential}"),)


def attempt(channel: grpc.Channel, path: str, request: bytes, metadata: Metadata) -> Outcome:
    """Call the method at `path` with one request, as bytes.

    A watch that was let in goes on until its deadline, which the other side is the first to tell
    of: where this one was, nobody knows yet whether it was let in.
    """
    if not ALL_METHODS[path].name.startswith("Watch"):
        return _attempt(channel, path, request, metadata, PATIENCE)
    for seconds in deadlines():
        outcome = _attempt(channel, path, request, metadata, seconds)
        if outcome.code is not grpc.StatusCode.DEADLINE_EXCEEDED or outcome.reason:
            return outcome
    raise AssertionError(f"{path} does not answer")


def _attempt(
    channel: grpc.Channel, path: str, request: bytes, metadata: Metadata, seconds: float
) -> Outcome:
    method = ALL_METHODS[path]
    arity = "stream_" if method.client_streaming else "unary_"
    arity += "stream" if method.server_streaming else "unary"
    start: Any = getattr(channel, arity)(path, None, None)
    responses: list[bytes] = []
    argument: Any = iter([request]) if method.client_streaming else request
    try:
        answer = start(argument, metadata=metadata, timeout=seconds)
        if method.server_streaming:
            responses.extend(answer)
        else:
            responses.append(answer)
    except grpc.RpcError as error:
        return _failed(error, tuple(responses))
    return Outcome(grpc.StatusCode.OK, "", b"", "", tuple(responses))


def _failed(error: Any, responses: tuple[bytes, ...]) -> Outcome:
    status = rpc_status.from_call(error)
    info, details = error_details_pb2.ErrorInfo(), b""
    if status is not None:
        details = status.SerializeToString()
        for detail in status.details:
            detail.Unpack(info)
    return Outcome(error.code(), error.details() or "", details, info.reason, responses)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("gateway: listening on "):
            return line.removeprefix("gateway: listening on ").strip()
    raise AssertionError("the gateway did not start")


def _key(file: Path) -> str:
    return file.read_text().strip()


def _new_tenant(channel: grpc.Channel, platform_key: str) -> str:
    stub: Any = tenant_service_pb2_grpc.TenantServiceStub(channel)
    request = tenant_pb.CreateTenantRequest(tenant_id=RIVAL)
    answer = stub.CreateTenant(request, metadata=bearer(platform_key))
    return str(answer.secret)
