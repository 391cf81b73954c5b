"""A gateway before a backend that answers in ways a test can ask for, over raw bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from systemzero.log.v1 import log_service_pb2
from systemzero_base.internal.identity import IdentitySigner, IdentityVerifier, current_principal
from systemzero_core.errors import InvalidInput
from systemzero_core.tlog import Checkpoint, Signer
from systemzero_gateway.access.policy import Method, methods_with_policy
from systemzero_gateway.app import GatewayApp, build
from systemzero_gateway.config import DeadlineSettings, GatewaySettings
from systemzero_gateway.forwarding.streams import StreamCall
from systemzero_gateway.limits import LimitSettings, Rate
from systemzero_runtime.calls.reaching import ReachableChannel
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.interceptors.identity import identity_interceptor
from systemzero_runtime.running.channels import service_channel
from systemzero_runtime.running.service import Listener
from systemzero_runtime.serving.local import LocalChannel
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_wire import contract
from tests.support.patience import PATIENCE

SERVICE = "systemzero.test.Echo"
MAX_BYTES = 1_000
METHODS = [
    Method(f"/{SERVICE}/Unary", "capture_write", max_bytes=MAX_BYTES),
    Method(f"/{SERVICE}/Server", "capture_write", server_streaming=True, max_bytes=MAX_BYTES),
    Method(f"/{SERVICE}/Client", "capture_write", client_streaming=True, max_bytes=MAX_BYTES),
    Method(f"/{SERVICE}/Both", "capture_write", 1, 100 * MAX_BYTES, True, True, True),
    Method(f"/{SERVICE}/Get", "capture_read", idempotent=True),
    Method(f"/{SERVICE}/Put", "capture_write", idempotent=True, request_id_field=1),
    Method(f"/{SERVICE}/List", "capture_read", server_streaming=True, idempotent=True),
]
LAVISH = LimitSettings(Rate(1e6, 100_000), Rate(1e6, 100_000), Rate(1e6, 100_000))
LONG = DeadlineSettings(default=PATIENCE, ceiling=2 * PATIENCE, stream=4 * PATIENCE)
ROUTES = {"systemzero.": "echo"}
"""Of all services but the gateway's own, which have none."""


class Echo:
    """What a request's first word asks for; anything else comes back as it is."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.finished = asyncio.Event()
        self.release = asyncio.Event()

    async def answer(self, request: bytes, context: Any) -> bytes:
        if request == b"metadata":
            return msgspec.json.encode([list(pair) for pair in context.invocation_metadata()])
        if request == b"who":
            return f"{current_principal().tenant} {current_principal().principal_id}".encode()
        if request.startswith(b"bad"):
            raise InvalidInput.at("nodes[3].parent", "is no node")
        if request == b"left":
            return str(context.time_remaining()).encode()
        if request == b"trailers":
            trailers = (("x-entry", "7"), ("x-raw-bin", b"\x00\xff"), ("sz-internal", "secret"))
            context.set_trailing_metadata(trailers)
        if request == b"big":
            return b"x" * 100_000
        if request.startswith(b"hold"):
            self.started.set()
            await self.release.wait()
        if request == b"wait":
            await self._wait()
        return request

    async def _wait(self) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    async def unary(self, request: bytes, context: Any) -> bytes:
        return await self.answer(request, context)

    async def server(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        for word in request.split():
            yield await self.answer(word, context)
        self.finished.set()

    async def client(self, requests: Any, context: Any) -> bytes:
        return b" ".join([await self.answer(request, context) async for request in requests])

    async def both(self, requests: Any, context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield await self.answer(request, context)

    def handlers(self) -> dict[str, Any]:
        return {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Server": grpc.unary_stream_rpc_method_handler(self.server),
            "Client": grpc.stream_unary_rpc_method_handler(self.client),
            "Both": grpc.stream_stream_rpc_method_handler(self.both),
            "Get": grpc.unary_unary_rpc_method_handler(self.unary),
            "List": grpc.unary_stream_rpc_method_handler(self.server),
        }


async def checkpoint(_request: bytes, context: Any) -> bytes:
    """What the log's GetCheckpoint answers: 7 entries of the caller's tenant."""
    origin = f"test.example/{current_principal().tenant}"
    signer = Signer(origin, Ed25519PrivateKey.generate())
    note = Checkpoint(origin, 7, bytes(32)).signed([signer])
    return log_service_pb2.GetCheckpointResponse(note=note).SerializeToString()


class World:
    """A running gateway, the echo behind it, and ways to call."""

    def __init__(
        self, app: GatewayApp, port: int, echo: Echo, channel: grpc.aio.Channel, stop_backend: Any
    ) -> None:
        self.app = app
        self.port = port
        self.echo = echo
        self.channel = channel
        self.stop_backend = stop_backend
        self.secret = app.admin_key_file.read_text().strip()

    def bearer(self, credential: str | None = None) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {credential or self.secret}"),)

    def call(self, method: str, request: Any, metadata: Any = None, **keywords: Any) -> Any:
        """The call of one of Echo's methods, with the admin key unless `metadata` is given."""
        name, arity = f"/{SERVICE}/{method}", ARITIES[method]
        start = getattr(self.channel, arity)(name, None, None)
        return start(request, metadata=self.bearer() if metadata is None else metadata, **keywords)

    def conversation(self, requests: AsyncIterator[bytes], metadata: Any = None) -> StreamCall:
        """A call of Both that ends as the gateway ended it, a message being written or not."""
        start = self.channel.stream_stream(f"/{SERVICE}/Both", None, None)
        return StreamCall(start, requests, metadata=metadata or self.bearer())


ARITIES = {
    "Unary": "unary_unary",
    "Server": "unary_stream",
    "Client": "stream_unary",
    "Both": "stream_stream",
    "Get": "unary_unary",
    "Put": "unary_unary",
    "List": "unary_stream",
}


@asynccontextmanager
async def world(
    data: Path,
    *,
    local: bool,
    target: str | None = None,
    limits: LimitSettings = LAVISH,
    deadlines: DeadlineSettings = LONG,
    **more: Any,
) -> AsyncIterator[World]:
    """A gateway over `data` before an echo in this process, behind a port, or at `target`.

    `more` are settings of the gateway.
    """
    key = Ed25519PrivateKey.generate()
    signer = IdentitySigner("gateway", key, clock)
    verifier = IdentityVerifier("echo", {"gateway": key.public_key()}, clock)
    registry = HandlerRegistry(
        [errors_interceptor(lambda *_: None), identity_interceptor(verifier)]
    )
    echo = Echo()
    registry.add_registered_method_handlers(SERVICE, echo.handlers())
    log = {"GetCheckpoint": grpc.unary_unary_rpc_method_handler(checkpoint)}
    registry.add_registered_method_handlers("systemzero.log.v1.LogService", log)
    listener = Listener([registry], [SERVICE], 5_000_000)
    backend: ReachableChannel = LocalChannel(registry)
    if not local:
        backend = service_channel(target or f"127.0.0.1:{await listener.start('127.0.0.1:0')}")
    settings = GatewaySettings(
        data=data, routes=ROUTES, backends={"echo": ""}, limits=limits, deadlines=deadlines, **more
    )
    methods = methods_with_policy(contract.methods()) | {m.path: m for m in METHODS}
    app = build(settings, {"echo": backend}, signer, methods=methods)
    port = await app.start("127.0.0.1:0")
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield World(app, port, echo, channel, lambda: listener.stop(0))
    finally:
        await app.stop(0)
        await backend.close(None)
        await listener.stop(0)


def clock() -> float:
    return 1_000.0


async def refused(call: Any) -> tuple[grpc.StatusCode, str, dict[str, Any]]:
    """Status code, reason and details, by type, of a call that has to fail."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        status = rpc_status.from_call(error)  # type: ignore[arg-type]
        details = {}
        for packed in status.details if status else ():
            for kind in ("ErrorInfo", "BadRequest", "RetryInfo", "QuotaFailure"):
                message = getattr(error_details_pb2, kind)()
                if packed.Unpack(message):
                    details[kind] = message
        return error.code(), details["ErrorInfo"].reason if details else "", details
    raise AssertionError("the call was answered")


async def each(call: Any) -> list[bytes]:
    """Every response of a stream."""
    return [response async for response in call]


async def sent(call: Any, *messages: bytes) -> Any:
    """`call` with `messages` written and more to come: how it then ends is the other side's doing.

    grpc.aio tells an end that comes while a message or the half-close goes out as INTERNAL; see
    `systemzero_gateway.forwarding.streams`.
    """
    for message in messages:
        await call.write(message)
    return call


async def sending(*messages: bytes) -> AsyncIterator[bytes]:
    """A stream of requests."""
    for message in messages:
        yield message
