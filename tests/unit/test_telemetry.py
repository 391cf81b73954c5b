"""What is seen of calls from outside: metrics, spans, log lines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from systemzero.log.v1 import log_service_pb2, log_service_pb2_grpc
from systemzero_chassis.guards import errors_guard
from systemzero_chassis.local import LocalChannel
from systemzero_chassis.logs import LEVELS, _render, configure
from systemzero_chassis.registry import HandlerRegistry
from systemzero_chassis.service import Listener
from systemzero_chassis.telemetry import configure_tracing, observe_guard, trace_metadata
from systemzero_core.errors import NotFound

METHOD = "/systemzero.log.v1.LogService/ListEntries"
NAME = "systemzero.log.v1.LogService/ListEntries"


class Servicer(log_service_pb2_grpc.LogServiceServicer):
    async def ListEntries(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.start == 1:
            raise NotFound("no such entry")
        if request.start == 2:
            raise RuntimeError("secret-internal-text")
        carrier = " ".join(f"{key}={value}" for key, value in trace_metadata())
        return log_service_pb2.ListEntriesResponse(next_page_token=carrier)


class Seen:
    """A stub whose calls are observed, and what was seen of them."""

    def __init__(self, stub: Any, spans: InMemorySpanExporter, lines: list[Any]) -> None:
        self.stub = stub
        self._spans = spans
        self.lines = lines

    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._spans.get_finished_spans()


@pytest.fixture(params=["server", "local"])
async def seen(request: pytest.FixtureRequest) -> AsyncIterator[Seen]:
    spans, provider, lines = InMemorySpanExporter(), TracerProvider(), list[Any]()
    provider.add_span_processor(SimpleSpanProcessor(spans))

    def keep(_logger: Any, _name: str, event: Any) -> Any:
        lines.append(dict(event))
        raise structlog.DropEvent

    logger = structlog.wrap_logger(None, processors=[keep])
    tracer = provider.get_tracer("test")
    registry = HandlerRegistry([observe_guard(logger, tracer), errors_guard(lambda *_: None)])
    add = log_service_pb2_grpc.add_LogServiceServicer_to_server
    registry.add(add, Servicer())  # type: ignore[abstract] # the others are not called
    if request.param == "local":
        yield Seen(log_service_pb2_grpc.LogServiceStub(LocalChannel(registry)), spans, lines)
        return
    listener = Listener([registry], registry.services, 1_000_000)
    port = await listener.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Seen(log_service_pb2_grpc.LogServiceStub(channel), spans, lines)
    await listener.stop(0)


def counted(status: str) -> float:
    labels = {"rpc_method": METHOD, "rpc_response_status_code": status}
    return REGISTRY.get_sample_value("rpc_server_call_duration_seconds_count", labels) or 0.0


async def call(seen: Seen, start: int, **keywords: Any) -> str:
    request = log_service_pb2.ListEntriesRequest(start=start)
    answer = await seen.stub.ListEntries(request, **keywords)
    return str(answer.next_page_token)


@pytest.mark.parametrize(("start", "status"), [(0, "OK"), (1, "NOT_FOUND"), (2, "INTERNAL")])
async def test_a_call_is_counted_traced_and_logged_by_its_status(
    seen: Seen, start: int, status: str
) -> None:
    before = counted(status)
    try:
        await call(seen, start)
    except grpc.aio.AioRpcError as error:
        code = error.code().name
    else:
        code = "OK"
    assert code == status
    assert counted(status) == before + 1
    in_flight = REGISTRY.get_sample_value("rpc_server_calls_in_flight", {"rpc_method": METHOD})
    assert in_flight == 0
    (span,) = seen.spans()
    assert (span.name, span.kind) == (NAME, trace.SpanKind.SERVER)
    assert dict(span.attributes or {})["rpc.method"] == NAME
    (line,) = seen.lines
    assert (line["event"], line["rpc_method"], line["status"]) == ("rpc", METHOD, status)
    assert "secret" not in str(line)


async def test_a_trace_goes_on_through_the_call(seen: Seen) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    carrier = await call(seen, 0, metadata=[("traceparent", parent)])
    (span,) = seen.spans()
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert f"{span.context.span_id:016x}" in carrier


async def test_a_call_of_no_method_makes_no_label(seen: Seen) -> None:
    def labels() -> set[str]:
        return {
            sample.labels.get("rpc_method", "")
            for metric in REGISTRY.collect()
            for sample in metric.samples
        }

    await call(seen, 0)
    before = labels()
    with pytest.raises(grpc.aio.AioRpcError):
        await seen.stub.GetCheckpoint(log_service_pb2.GetCheckpointRequest(), timeout=5)
    assert not {label for label in labels() - before if "GetCheckpoint" not in label}


def test_nothing_is_exported_unless_it_is_asked_for() -> None:
    assert configure_tracing("test", {}) is None
    assert configure_tracing("test", {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}) is None


def test_log_lines_are_json_whatever_is_in_them() -> None:
    fields = {
        "event": "x",
        "path": Path("/a"),
        "bad": "\ud800",
        "bytes": b"\xff",
        "error": ValueError("v"),
    }
    line = _render(None, "info", fields)
    assert "\n" not in line
    assert msgspec.json.decode(line)["path"] == "/a"


def test_levels_are_those_that_settings_take(capfd: pytest.CaptureFixture[str]) -> None:
    assert set(LEVELS) == {"debug", "info", "warning", "error"}
    try:
        configure("warning")
        logger = structlog.get_logger(service="test")
        logger.info("quiet")
        logger.warning("loud", n=1)
    finally:
        structlog.reset_defaults()
    line = msgspec.json.decode(capfd.readouterr().err)
    assert (line["event"], line["level"], line["n"]) == ("loud", "warning", 1)
