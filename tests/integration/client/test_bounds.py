"""A server that does not end, does not answer, or answers with what is no answer."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero_client import Client, SystemZeroError
from systemzero_client.offline import verify_bundle_file, verify_export_file
from systemzero_client.pins import PinStore
from systemzero_client.tiles import TileFolder
from systemzero_client.verify import LogVerifier
from systemzero_core.errors import TooLarge
from systemzero_core.tlog import Checkpoint, CompactRange, LogVerificationError, entry_line
from tests.support.wire import answering, client_of
from tests.support.written_log import ORIGIN, SIGNER, WrittenLog, entry_of, write_log

GUARD = 60.0
"""Seconds after which a test has hung."""
DAMAGED = (grpc.StatusCode.DATA_LOSS, "DATA_CORRUPTED")
LISTS: list[tuple[str, str, Any, Callable[[Client], Any]]] = [
    ("capture.v1.CaptureService", "ListCaptures", capture_pb.ListCapturesResponse,
     lambda client: client.captures.list()),
    ("diff.v1.DriftService", "ListEvents", drift_pb.ListEventsResponse,
     lambda client: client.events.list()),
    ("diff.v1.TemplateService", "ListTemplates", template_pb.ListTemplatesResponse,
     lambda client: client.templates.list()),
    ("gateway.v1.AuthService", "ListApiKeys", auth_pb.ListApiKeysResponse,
     lambda client: client.keys.list()),
    ("gateway.v1.TenantService", "ListTenants", tenant_pb.ListTenantsResponse,
     lambda client: client.tenants.list()),
    ("log.v1.LogService", "ListEntries", log_pb.ListEntriesResponse,
     lambda client: client.log.entries()),
]  # fmt: skip


PAGES: dict[str, tuple[Callable[[int], str], int, int]] = {
    "the same page": (lambda _number: "again", 0, 2),
    "an earlier page": (lambda number: f"{number % 3}", 1, 4),
    "empty pages": (str, 0, 1_001),
    "another page each time": (str, 1, 11),
}
"""By name: the token after a page, the page's items, and how many pages are asked for at most."""


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize(
    ("service", "method", "response", "listed"), LISTS, ids=[each[1] for each in LISTS]
)
async def test_pages_that_do_not_end_are_an_error(
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    method: str,
    response: Any,
    listed: Callable[[Client], Any],
    kind: str,
) -> None:
    numbers = itertools.count()
    token, items, most = PAGES[kind]
    if kind == "another page each time":
        monkeypatch.setattr("systemzero_client.channel._MOST_PAGES", 10)

    async def page(request: Any, context: Any) -> Any:
        return page_with(response, items, token(next(numbers)))

    def add(server: grpc.aio.Server) -> None:
        answering(server, f"systemzero.{service}", **{method: page})

    async with asyncio.timeout(GUARD), client_of(add) as client:
        with pytest.raises(SystemZeroError, match="pages do not end") as caught:
            _ = [each async for each in listed(client)]
    assert (caught.value.code, caught.value.reason) == DAMAGED
    assert next(numbers) <= most


def page_with(response: Any, items: int, token: str) -> Any:
    """A page of so many items that say nothing."""
    answer = response(next_page_token=token)
    field = next(f for f in response.DESCRIPTOR.fields if f.name != "next_page_token")
    for _ in range(items):
        getattr(answer, field.name).add()
    return answer


async def test_a_page_of_more_than_was_asked_for_is_an_error() -> None:
    async def page(request: Any, context: Any) -> Any:
        return page_with(tenant_pb.ListTenantsResponse, request.page_size + 1, "")

    def add(server: grpc.aio.Server) -> None:
        answering(server, "systemzero.gateway.v1.TenantService", ListTenants=page)

    async with client_of(add) as client:
        with pytest.raises(SystemZeroError, match="201 items, and 200 were asked for") as caught:
            _ = [each async for each in client.tenants.list()]
    assert (caught.value.code, caught.value.reason) == DAMAGED


def log_server(
    export: Callable[[Any, Any], AsyncIterator[Any]],
    asked: Callable[[], None] = lambda: None,
    size: int = 1,
) -> Any:
    """A log of one entry, or so it says, signed, whose export is what a test says."""
    tree = CompactRange()
    tree.push(entry_of(0, {}).leaf_hash)
    note = Checkpoint(ORIGIN, size, tree.root()).signed([SIGNER])

    async def checkpoint(request: Any, context: Any) -> Any:
        asked()
        return log_pb.GetCheckpointResponse(note=note, verifier_key=str(SIGNER.verifier))

    def add(server: grpc.aio.Server) -> None:
        answering(
            server, "systemzero.log.v1.LogService", GetCheckpoint=checkpoint, ExportEntries=export
        )

    return add


@pytest.mark.parametrize("chunk", [b"x" * 65_536, b"\n" * 65_536, b'{"index":0\n' * 6_000])
async def test_an_export_without_an_end_is_cut(tmp_path: Path, chunk: bytes) -> None:
    sent = 0

    async def endless(request: Any, context: Any) -> AsyncIterator[Any]:
        nonlocal sent
        while True:
            sent += len(chunk)
            yield log_pb.ExportEntriesResponse(chunk=chunk)

    async with asyncio.timeout(GUARD), client_of(log_server(endless)) as client:
        verifier = LogVerifier(client, store=PinStore(tmp_path))
        with pytest.raises(LogVerificationError, match=r"longer than|more than|no line of"):
            await verifier.everything()
    assert sent < 200_000_000


def endless_entries() -> Callable[[Any, Any], AsyncIterator[Any]]:
    """An export of entries without an end, each of them of 100,000 bytes."""

    async def endless(request: Any, context: Any) -> AsyncIterator[Any]:
        for index in itertools.count():
            line = entry_line(entry_of(index, {"a": "b" * 100_000}))
            for at in range(0, len(line), 65_536):
                yield log_pb.ExportEntriesResponse(chunk=line[at : at + 65_536])

    return endless


async def test_an_export_of_more_bytes_than_its_entries_can_have_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("systemzero_client.bounds._GROWTH_BYTES", 1_000_000)
    async with asyncio.timeout(GUARD), client_of(log_server(endless_entries())) as client:
        verifier = LogVerifier(client, store=PinStore(tmp_path))
        with pytest.raises(LogVerificationError, match="more bytes than entries"):
            await verifier.everything()


@pytest.mark.parametrize(
    ("size", "said"),
    [(2**60, r"says 1,152,921,504,606,846,976 entries"), (100, "the export goes on")],
)
async def test_a_log_never_seen_before_is_not_believed_its_size(
    tmp_path: Path, size: int, said: str
) -> None:
    async with (
        asyncio.timeout(GUARD),
        client_of(log_server(endless_entries(), size=size)) as client,
    ):
        verifier = LogVerifier(client, store=PinStore(tmp_path), max_bytes=1_000_000)
        with pytest.raises(TooLarge, match=f"{said}.*beyond 1,000,000 bytes.*--max-bytes"):
            await verifier.everything()


async def test_an_export_that_stops_half_way_is_given_up(tmp_path: Path) -> None:
    def hurry() -> None:
        client.transport.timeout = 0.05

    async def silent(request: Any, context: Any) -> AsyncIterator[Any]:
        yield log_pb.ExportEntriesResponse(chunk=b"{")
        await asyncio.Event().wait()

    async with asyncio.timeout(GUARD), client_of(log_server(silent, hurry)) as client:
        verifier = LogVerifier(client, store=PinStore(tmp_path))
        with pytest.raises(SystemZeroError, match="nothing came") as caught:
            await verifier.everything()
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("details", [b"\xff\xff\xff", b"\x08\x0d\x1a\x05\x0a\x03abc"])
async def test_details_that_are_none_do_not_hide_the_error(details: bytes) -> None:
    async def refuse(request: Any, context: Any) -> Any:
        context.set_trailing_metadata((("grpc-status-details-bin", details),))
        await context.abort(grpc.StatusCode.INTERNAL, "broken")

    def add(server: grpc.aio.Server) -> None:
        answering(server, "systemzero.diff.v1.TemplateService", GetTemplate=refuse)

    async with asyncio.timeout(GUARD), client_of(add) as client:
        with pytest.raises(SystemZeroError, match="broken") as caught:
            await client.templates.get("tpl_1")
    assert caught.value.code is grpc.StatusCode.INTERNAL


async def test_an_answer_of_another_type_is_an_error_of_the_call() -> None:
    async def garbage(request: Any, context: Any) -> bytes:
        return b"\xff\xff\xff\xff"

    method = grpc.unary_unary_rpc_method_handler(garbage)
    service = "systemzero.diff.v1.TemplateService"

    def add(server: grpc.aio.Server) -> None:
        handler = grpc.method_handlers_generic_handler(service, {"GetTemplate": method})
        server.add_generic_rpc_handlers((handler,))

    async with asyncio.timeout(GUARD), client_of(add) as client:
        with pytest.raises(SystemZeroError):
            await client.templates.get("tpl_1")


async def test_a_refusal_that_may_be_repeated_at_once_is_not_repeated_without_pause() -> None:
    from google.protobuf.any_pb2 import Any as Packed
    from google.rpc import error_details_pb2, status_pb2

    calls = 0
    details = [Packed(), Packed()]
    details[0].Pack(error_details_pb2.ErrorInfo(reason="RATE_LIMITED"))
    details[1].Pack(error_details_pb2.RetryInfo())
    status = status_pb2.Status(code=8, message="slow down", details=details)

    async def refuse(request: Any, context: Any) -> Any:
        nonlocal calls
        calls += 1
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down")

    def add(server: grpc.aio.Server) -> None:
        answering(server, "systemzero.diff.v1.TemplateService", GetTemplate=refuse)

    async with asyncio.timeout(GUARD), client_of(add) as client:
        client.transport.timeout = 0.5
        with pytest.raises(SystemZeroError):
            await client.templates.get("tpl_1")
    assert calls <= 11


def verify(what: str, path: Path, written: WrittenLog, store: PinStore) -> None:
    if what == "export":
        with path.open("rb") as file:
            verify_export_file(file, store=store, key=written.key)
    elif what == "bundle":
        verify_bundle_file(path, store=store, key=written.key)
    else:
        TileFolder(written.tiles).verify(store=store, key=written.key)


@pytest.mark.parametrize("what", ["export", "bundle", "tile"])
def test_a_file_that_is_one_endless_line_is_not_read_whole(tmp_path: Path, what: str) -> None:
    written = write_log(tmp_path, {})
    store = PinStore(tmp_path / "pins")
    if what == "tile":
        path = next((written.tiles / "tile" / "entries").rglob("1"))
    else:
        path = written.export if what == "export" else written.bundle
    line = path.read_bytes()
    with path.open("r+b") as file:
        if what == "export":
            file.seek(len(line.split(b"\n")[0]) + 1)  # its header is right
        file.truncate(file.tell() + 20_000_000_000)  # sparse: it takes no room
    with pytest.raises(LogVerificationError, match=r"longer than|more than"):
        verify(what, path, written, store)
