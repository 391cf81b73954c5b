"""One handler, reached over a real gRPC server and within the process: the same answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from systemzero.log.v1 import log_service_pb2, log_service_pb2_grpc
from systemzero_base.internal.identity import (
    METADATA_KEY,
    IdentitySigner,
    IdentityVerifier,
    Principal,
    current_principal,
)
from systemzero_core.errors import InvalidInput, RateLimited
from systemzero_runtime.interceptors.chain import Call
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.interceptors.identity import identity_interceptor
from systemzero_runtime.interceptors.telemetry import telemetry_interceptor
from systemzero_runtime.running.service import Listener
from systemzero_runtime.serving.local import LocalChannel
from systemzero_runtime.serving.registry import HandlerRegistry
from tests.support.patience import deadlines

KEY = Ed25519PrivateKey.generate()
SIGNER = IdentitySigner("gateway", KEY, lambda: 1_000.0)


class Servicer(log_service_pb2_grpc.LogServiceServicer):
    """Answers in ways that a test can ask for."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def ListEntries(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.start == 1:
            raise InvalidInput.at("start", "is odd")
        if request.start == 2:
            raise RuntimeError("secret-internal-text")
        if request.start == 3:
            raise RateLimited("too many", retry_after=1.5, metadata={"subject": "tenant"})
        return log_service_pb2.ListEntriesResponse(next_page_token=current_principal().tenant)

    async def GetCheckpoint(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    async def ExportEntries(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        for number in range(3):
            yield log_service_pb2.ExportEntriesResponse(chunk=b"%d" % number)
        if request.format == 1:
            raise InvalidInput.at("format", "is one")

    async def GetInclusionProof(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    GetConsistencyProof = GetProofBundle = GetInclusionProof


@pytest.fixture
def reported() -> list[BaseException]:
    return []


@pytest.fixture(params=["server", "local"])
async def stub(request: pytest.FixtureRequest, reported: list[BaseException]) -> AsyncIterator[Any]:
    def report(_call: Call, error: BaseException) -> None:
        reported.append(error)

    verifier = IdentityVerifier("log", {"gateway": KEY.public_key()}, lambda: 1_010.0)
    interceptors = [
        telemetry_interceptor("test", None),
        errors_interceptor(report),
        identity_interceptor(verifier),
    ]
    registry = HandlerRegistry(interceptors)
    servicer = Servicer()
    registry.add(log_service_pb2_grpc.add_LogServiceServicer_to_server, servicer)
    if request.param == "local":
        stub = log_service_pb2_grpc.LogServiceStub(LocalChannel(registry))
        stub.servicer = servicer  # type: ignore[attr-defined]
        yield stub
        return
    listener = Listener([registry], registry.services, 5_000_000)
    port = await listener.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = log_service_pb2_grpc.LogServiceStub(channel)
        stub.servicer = servicer  # type: ignore[attr-defined]
        yield stub
    await listener.stop(0)


def identity(tenant: str = "acme") -> list[tuple[str, str]]:
    return [(METADATA_KEY, SIGNER.token(Principal(tenant, "key_1"), "log"))]


def entries(start: int) -> log_service_pb2.ListEntriesRequest:
    return log_service_pb2.ListEntriesRequest(start=start)


async def failure(call: Any) -> tuple[grpc.StatusCode, str, dict[str, Any]]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]
    details: dict[str, Any] = {}
    for packed in status.details:
        for kind in ("ErrorInfo", "BadRequest", "RetryInfo", "QuotaFailure"):
            message = getattr(error_details_pb2, kind)()
            if packed.Unpack(message):
                details[kind] = message
    return caught.value.code(), status.message, details


async def test_the_principal_of_the_identity_is_the_current_one(stub: Any) -> None:
    answer = await stub.ListEntries(entries(0), metadata=identity("acme"))
    assert answer.next_page_token == "acme"


async def test_bad_input_names_its_field(stub: Any) -> None:
    code, message, details = await failure(stub.ListEntries(entries(1), metadata=identity()))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert message == "start: is odd"
    assert details["ErrorInfo"].reason == "INVALID_INPUT"
    assert details["ErrorInfo"].domain == "systemzero"
    assert details["BadRequest"].field_violations[0].field == "start"


async def test_unknown_errors_are_reported_whole_and_sent_generic(
    stub: Any, reported: list[BaseException]
) -> None:
    code, message, details = await failure(stub.ListEntries(entries(2), metadata=identity()))
    assert code is grpc.StatusCode.INTERNAL
    assert message == "internal error"
    assert details["ErrorInfo"].reason == "INTERNAL"
    assert "secret-internal-text" in str(reported[0])


async def test_a_limit_says_when_to_try_again(stub: Any) -> None:
    code, _, details = await failure(stub.ListEntries(entries(3), metadata=identity()))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details["RetryInfo"].retry_delay.ToNanoseconds() == 1_500_000_000
    assert details["QuotaFailure"].violations[0].subject == "tenant"


@pytest.mark.parametrize("token", [None, "", "x.y", "a" * 5_000])
async def test_without_a_good_identity_nothing_answers(stub: Any, token: str | None) -> None:
    metadata = [] if token is None else [(METADATA_KEY, token)]
    code, _, details = await failure(stub.ListEntries(entries(0), metadata=metadata))
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert details["ErrorInfo"].reason == "UNAUTHENTICATED"


async def test_a_stream_sends_what_it_had_before_it_failed(stub: Any) -> None:
    request = log_service_pb2.ExportEntriesRequest(format=1)  # type: ignore[arg-type]
    responses = aiter(stub.ExportEntries(request, metadata=identity()))
    chunks = [(await anext(responses)).chunk for _ in range(3)]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(responses)
    assert chunks == [b"0", b"1", b"2"]
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_deadline_ends_the_call_and_the_handler(stub: Any) -> None:
    request = log_service_pb2.GetCheckpointRequest()
    for seconds in deadlines():
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetCheckpoint(request, metadata=identity(), timeout=seconds)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        if stub.servicer.started.is_set():
            break
    await stub.servicer.cancelled.wait()


async def test_a_caller_that_goes_away_cancels_the_handler(stub: Any) -> None:
    call = stub.GetCheckpoint(log_service_pb2.GetCheckpointRequest(), metadata=identity())
    task = asyncio.ensure_future(_await(call))
    await stub.servicer.started.wait()
    task.cancel()
    await stub.servicer.cancelled.wait()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _await(call: Any) -> Any:
    return await call


def test_foreign_forged_and_stale_identities_are_refused() -> None:
    from systemzero_core.errors import Unauthenticated

    now = 1_000.0
    token = SIGNER.token(Principal("acme", "key_1"), "log")
    trusted = {"gateway": KEY.public_key()}
    assert IdentityVerifier("log", trusted, lambda: now).verify(token).tenant == "acme"
    other_key = {"gateway": Ed25519PrivateKey.generate().public_key()}
    refusals = [
        IdentityVerifier("capture", trusted, lambda: now),
        IdentityVerifier("log", other_key, lambda: now),
        IdentityVerifier("log", {"diff": KEY.public_key()}, lambda: now),
        IdentityVerifier("log", trusted, lambda: now + 31),
        IdentityVerifier("log", trusted, lambda: now - 6),
    ]
    for verifier in refusals:
        with pytest.raises(Unauthenticated):
            verifier.verify(token)
    payload, signature = token.split(".")
    for forged in (payload + "." + signature[:-4] + "AAAA", payload[:-2] + "." + signature):
        with pytest.raises(Unauthenticated):
            IdentityVerifier("log", trusted, lambda: now).verify(forged)
