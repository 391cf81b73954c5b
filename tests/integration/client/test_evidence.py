"""Captures of servers that lie about them: held to the digest in the proven log entry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from systemzero.capture.v1 import capture_pb2
from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero_client import Client
from systemzero_client.errors import SystemZeroError
from systemzero_client.evidence import Shown, check_capture
from systemzero_core.signature import sign
from systemzero_core.tlog import Entry, LogVerificationError
from systemzero_wire.trees import encode_tree
from tests.support.stores import tree
from tests.support.wire import answering, serving
from tests.unit.core.tlog.test_export import entry_of


def entry(kind: str = "drift.event", capture_id: str = "cap_1") -> Entry:
    digest = sign(tree("Buy")).full.hex()
    made = entry_of(0, {"capture_id": capture_id, "capture_digest": digest})
    return Entry(0, kind, made.create_time, made.salt, made.body, made.digest, made.leaf_hash)


@asynccontextmanager
async def showing(*names: str, code: grpc.StatusCode | None = None) -> AsyncIterator[Client]:
    """A server whose every capture is of `tree(*names)`."""

    async def get(request: Any, context: Any) -> pb.GetCaptureResponse:
        if code is not None:
            await context.abort(code, "no")
        capture = capture_pb2.Capture(capture_id=request.capture_id)
        if names:
            capture.tree.CopyFrom(encode_tree(tree(*names)))
        return pb.GetCaptureResponse(capture=capture)

    def add(server: grpc.aio.Server) -> None:
        answering(server, "systemzero.capture.v1.CaptureService", GetCapture=get)

    async with serving(add) as target, Client(target) as client:
        yield client


async def test_the_capture_that_was_judged_is_proven() -> None:
    async with showing("Buy") as client:
        assert await check_capture(client, entry()) is Shown.PROVEN


async def test_another_capture_is_found_out() -> None:
    async with showing("Sell") as client:
        with pytest.raises(LogVerificationError, match="cap_1 is not the one that entry 0"):
            await check_capture(client, entry())


async def test_a_capture_that_is_gone_proves_nothing_and_contradicts_nothing() -> None:
    async with showing() as client:
        assert await check_capture(client, entry()) is Shown.GONE
    async with showing(code=grpc.StatusCode.UNAVAILABLE) as client:
        with pytest.raises(SystemZeroError):
            await check_capture(client, entry())


async def test_entries_without_a_capture() -> None:
    async with showing("Sell") as client:
        assert await check_capture(client, entry(capture_id="")) is Shown.NOT_STORED
        assert await check_capture(client, entry("drift.decision")) is None
    erased = entry_of(0, {})
    erased = Entry(
        0, "drift.event", erased.create_time, None, None, erased.digest, erased.leaf_hash
    )
    async with showing("Sell") as client:
        assert await check_capture(client, erased) is None
