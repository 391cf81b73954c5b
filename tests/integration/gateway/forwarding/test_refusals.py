"""Every way in which the gateway itself says no: the status, the details, the trailers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest

from systemzero.errors.v1 import errors_pb2
from systemzero.gateway.v1 import auth_service_pb2 as pb
from systemzero.gateway.v1 import auth_service_pb2_grpc
from systemzero_gateway.config import DeadlineSettings
from systemzero_gateway.limits import LimitSettings, Rate
from tests.support.gateway import LONG, MAX_BYTES, SERVICE, World, refused, sent, world

PLENTY = Rate(1e6, 100_000)
TEN = Rate(0.001, 10)
EMPTY = LimitSettings(PLENTY, PLENTY, PLENTY)
LIMITED = {"ErrorInfo", "RetryInfo", "QuotaFailure"}


class Refusal(NamedTuple):
    code: grpc.StatusCode
    reason: str
    provoke: Callable[[World], Awaitable[Any]]
    details: set[str] = {"ErrorInfo"}  # noqa: RUF012 - never changed
    limits: LimitSettings = EMPTY
    deadlines: DeadlineSettings = LONG
    trailers: bool = True
    """Whether the trailers say what is left: wherever it is known whose limit it is."""


async def unknown_method(here: World) -> Any:
    return here.channel.unary_unary(f"/{SERVICE}/None", None, None)(b"", metadata=here.bearer())


async def no_credential(here: World) -> Any:
    return here.call("Unary", b"a", ())


async def used_up(here: World) -> Any:
    for _ in range(TEN.burst):
        await here.call("Unary", b"a")
    return here.call("Unary", b"a")


async def guesses(here: World) -> Any:
    for _ in range(TEN.burst):
        await refused(here.call("Unary", b"a", ()))
    return here.call("Unary", b"a", ())


async def viewer(here: World) -> Any:
    stub = auth_service_pb2_grpc.AuthServiceStub(here.channel)
    request = pb.CreateApiKeyRequest(api_key=pb.ApiKey(name="viewer", role=pb.ROLE_VIEWER))
    made = await stub.CreateApiKey(request, metadata=here.bearer())
    return here.call("Unary", b"a", here.bearer(made.secret))


async def one_more(here: World) -> Any:
    here.call("Unary", b"wait")
    await here.echo.started.wait()
    return here.call("Unary", b"a")


async def large(here: World) -> Any:
    return here.call("Unary", b"x" * (MAX_BYTES + 1))


async def large_in_stream(here: World) -> Any:
    return await sent(here.call("Client", None), b"a", b"x" * (MAX_BYTES + 1))


async def long_stream(here: World) -> Any:
    return await sent(here.call("Client", None), *[b"x" * MAX_BYTES] * 2)


async def late(here: World) -> Any:
    return here.call("Unary", b"wait")


async def backend_gone(here: World) -> Any:
    await here.stop_backend()
    return here.call("Unary", b"a")


async def plain(here: World) -> Any:
    return here.call("Unary", b"a")


C = grpc.StatusCode
REFUSALS = {
    "unknown method": Refusal(C.UNIMPLEMENTED, "UNKNOWN_METHOD", unknown_method, trailers=False),
    "no credential": Refusal(C.UNAUTHENTICATED, "UNAUTHENTICATED", no_credential),
    "address": Refusal(
        C.RESOURCE_EXHAUSTED, "RATE_LIMITED", guesses, LIMITED, LimitSettings(PLENTY, PLENTY, TEN)
    ),
    "tenant": Refusal(
        C.RESOURCE_EXHAUSTED, "RATE_LIMITED", used_up, LIMITED, LimitSettings(TEN, PLENTY, PLENTY)
    ),
    "principal": Refusal(
        C.RESOURCE_EXHAUSTED, "RATE_LIMITED", used_up, LIMITED, LimitSettings(PLENTY, TEN, PLENTY)
    ),
    "permission": Refusal(C.PERMISSION_DENIED, "PERMISSION_DENIED", viewer),
    "in flight": Refusal(
        C.RESOURCE_EXHAUSTED,
        "TOO_MANY_IN_FLIGHT",
        one_more,
        LIMITED,
        LimitSettings(PLENTY, PLENTY, PLENTY, in_flight=1),
    ),
    "overload": Refusal(
        C.UNAVAILABLE,
        "OVERLOADED",
        one_more,
        {"ErrorInfo", "RetryInfo"},
        LimitSettings(PLENTY, PLENTY, PLENTY, total_in_flight=1),
        trailers=False,
    ),
    "size": Refusal(C.RESOURCE_EXHAUSTED, "TOO_LARGE", large),
    "size in a stream": Refusal(C.RESOURCE_EXHAUSTED, "TOO_LARGE", large_in_stream),
    "size of a stream": Refusal(
        C.RESOURCE_EXHAUSTED,
        "TOO_LARGE",
        long_stream,
        limits=LimitSettings(PLENTY, PLENTY, PLENTY, stream_bytes=MAX_BYTES + 1),
    ),
    "deadline": Refusal(
        C.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", late, deadlines=DeadlineSettings(default=0.1)
    ),
    "backend": Refusal(C.UNAVAILABLE, "UNAVAILABLE", backend_gone),
    "store of the limits": Refusal(
        C.UNAVAILABLE,
        "UNAVAILABLE",
        plain,
        limits=LimitSettings(store="redis://127.0.0.1:1"),
        trailers=False,
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_every_refusal_says_why_and_what_is_left(tmp_path: Path, name: str) -> None:
    refusal = REFUSALS[name]
    async with world(
        tmp_path, local=False, limits=refusal.limits, deadlines=refusal.deadlines
    ) as here:
        call = await refusal.provoke(here)
        code, reason, details = await refused(call)
        trailers = dict(await call.trailing_metadata())
    assert (code, reason) == (refusal.code, refusal.reason)
    assert f"ERROR_REASON_{reason}" in errors_pb2.ErrorReason.keys()  # noqa: SIM118 - it is no dict
    assert details.keys() == refusal.details
    assert details["ErrorInfo"].domain == "systemzero"
    if "RetryInfo" in details:
        assert details["RetryInfo"].retry_delay.ToNanoseconds() > 0
    if "QuotaFailure" in details:
        assert details["QuotaFailure"].violations[0].subject in {"tenant", "principal", "address"}
    names = {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}
    assert names & trailers.keys() == (names if refusal.trailers else set())
