"""What is seen of calls from outside: metrics, spans, log lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.exposition import generate_latest

from systemzero.log.v1 import log_service_pb2, log_service_pb2_grpc
from systemzero_base.secrets import Secret
from systemzero_base.settings.config import ConfigError
from systemzero_base.telemetry import logs
from systemzero_base.telemetry.observed import (
    ChildSpan,
    ClientSpan,
    current_call,
    recorded_trace_id,
)
from systemzero_base.telemetry.otel import OtelTracing
from systemzero_base.telemetry.tracing import Span, TraceSettings
from systemzero_core.errors import NotFound
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.interceptors.telemetry import configure_tracing, telemetry_interceptor
from systemzero_runtime.running.service import Listener
from systemzero_runtime.serving.local import LocalChannel
from systemzero_runtime.serving.registry import HandlerRegistry
from tests.support.logging import lines_in, logging_as
from tests.support.patience import PATIENCE

METHOD = "/systemzero.log.v1.LogService/ListEntries"
NAME = "systemzero.log.v1.LogService/ListEntries"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = PARENT[:-1] + "0"
LOGGER = logs.get_logger("test")


class Servicer(log_service_pb2_grpc.LogServiceServicer):
    async def ListEntries(self, request: Any, context: Any) -> Any:  # noqa: N802
        below = ChildSpan("step", "INTERNAL")
        below.end({"a": 1})
        LOGGER.info("working", key=Secret("s0_live_hidden"))
        if request.start == 1:
            raise NotFound("no such entry")
        if request.start == 2:
            raise RuntimeError("secret-internal-text")
        if request.start == 3:
            await asyncio.sleep(SLOW)
        if seen := current_call():
            seen.tenant, seen.verdict = "acme", "DRIFT"
        client_span = ClientSpan("/x.Y/Z", "other")
        carrier = " ".join(f"{key}={value}" for key, value in client_span.metadata())
        client_span.over("OK")
        carrier += f" recorded={recorded_trace_id()}"
        return log_service_pb2.ListEntriesResponse(next_page_token=carrier)


SLOW = 0.05


class Seen:
    """A stub whose calls are observed, and what was seen of them."""

    def __init__(
        self, stub: Any, tracing: OtelTracing, spans: InMemorySpanExporter, log: Path
    ) -> None:
        self.stub = stub
        self.tracing = tracing
        self._spans = spans
        self._log = log

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._spans.get_finished_spans()}

    def lines(self) -> list[Any]:
        return lines_in(self._log)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    with logging_as(logs.LogSettings(output=str(tmp_path / "log"))):
        yield tmp_path / "log"


@pytest.fixture(params=["server", "local"])
async def seen(request: pytest.FixtureRequest, log: Path) -> AsyncIterator[Seen]:
    spans = InMemorySpanExporter()
    tracing = OtelTracing(SimpleSpanProcessor(spans), {}, PATIENCE)
    interceptor = telemetry_interceptor("test", tracing, is_edge=True)
    registry = HandlerRegistry([interceptor, errors_interceptor(lambda *_: None)])
    add = log_service_pb2_grpc.add_LogServiceServicer_to_server
    registry.add(add, Servicer())  # type: ignore[abstract] # the others are not called
    if request.param == "local":
        yield Seen(log_service_pb2_grpc.LogServiceStub(LocalChannel(registry)), tracing, spans, log)
        return
    listener = Listener([registry], registry.services, 1_000_000)
    port = await listener.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Seen(log_service_pb2_grpc.LogServiceStub(channel), tracing, spans, log)
    await listener.stop(0)


def counted(status: str) -> float:
    labels = {"rpc_method": NAME, "rpc_response_status_code": status}
    return REGISTRY.get_sample_value("rpc_server_call_duration_seconds_count", labels) or 0.0


async def call(seen: Seen, start: int, *parent: str) -> tuple[str, str, dict[str, str]]:
    """What came back: the status, the answer's text and the trailers."""
    request = log_service_pb2.ListEntriesRequest(start=start)
    answer = seen.stub.ListEntries(request, metadata=[("traceparent", value) for value in parent])
    status, text = "OK", ""
    try:
        text = (await answer).next_page_token
        trailers: Any = await answer.trailing_metadata()
    except grpc.aio.AioRpcError as error:
        status, trailers = error.code().name, error.trailing_metadata()
    async with asyncio.timeout(PATIENCE):  # a refusal is sent a moment before the call is over here
        while in_flight():  # noqa: ASYNC110 - by whom should it be set?
            await asyncio.sleep(0)
    return status, text, dict(trailers)


def in_flight() -> float | None:
    return REGISTRY.get_sample_value("rpc_server_calls_in_flight", {"rpc_method": NAME})


@pytest.mark.parametrize(("start", "status"), [(0, "OK"), (1, "NOT_FOUND"), (2, "INTERNAL")])
async def test_a_call_is_counted_traced_and_logged_by_its_status(
    seen: Seen, start: int, status: str
) -> None:
    before = counted(status)
    code, _, trailers = await call(seen, start)
    assert code == status
    assert counted(status) == before + 1
    assert in_flight() == 0
    span = seen.spans()[NAME]
    attributes = dict(span.attributes or {})
    assert span.kind is trace.SpanKind.SERVER
    assert attributes["rpc.system.name"] == "grpc"
    assert attributes["rpc.method"] == NAME
    assert attributes["rpc.response.status_code"] == status
    assert span.status.is_ok == (status != "INTERNAL")
    assert attributes.get("error.type") == ("INTERNAL" if status == "INTERNAL" else None)
    (line,) = (line for line in seen.lines() if line["event"] == "rpc")
    assert (line["rpc_method"], line["status"]) == (METHOD, status)
    assert line["level"] == ("error" if status == "INTERNAL" else "info")
    assert line["request_id"] == trailers["x-request-id"] == attributes["systemzero.request_id"]
    assert line.get("reason", "") == attributes.get("systemzero.reason", "")
    assert "secret" not in str((line, attributes))


def test_the_sdks_variables_say_whose_spans_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=mine,service.namespace=x")
    spans = InMemorySpanExporter()
    tracing = OtelTracing(
        SimpleSpanProcessor(spans), {"service.name": "s", "service.version": "1"}, SLOW
    )
    tracing.record(Span(tracing.begin(None, "a"), None, "a", "INTERNAL", 1, 2, {}))
    (span,) = spans.get_finished_spans()
    found = span.resource.attributes
    assert (found["service.name"], found["service.version"]) == ("mine", "1")
    assert found["service.namespace"] == "x"
    assert (span.start_time, span.end_time) == (1, 2)


async def test_what_becomes_known_of_a_call_is_in_its_line_and_its_span(seen: Seen) -> None:
    await call(seen, 0)
    attributes = dict(seen.spans()[NAME].attributes or {})
    (line,) = (line for line in seen.lines() if line["event"] == "rpc")
    for found in (attributes["systemzero.tenant"], line["tenant"]):
        assert found == "acme"
    for found in (attributes["systemzero.verdict"], line["verdict"]):
        assert found == "DRIFT"


async def test_every_line_of_a_call_names_it_and_shows_no_secret(seen: Seen) -> None:
    await call(seen, 0, PARENT)
    lines = seen.lines()
    assert [line["event"] for line in lines] == ["working", "rpc"]
    assert {line["trace_id"] for line in lines} == {"0af7651916cd43dd8448eb211c80319c"}
    assert len({line["request_id"] for line in lines}) == 1
    assert "s0_live" not in str(lines)


def exemplars() -> dict[str, str]:
    """The text of each exemplar, by the trace that it leads to."""
    page = generate_latest(REGISTRY).decode()  # type: ignore[no-untyped-call]
    lines = [line for line in page.splitlines() if NAME in line and "# {" in line]
    return {line.split('trace_id="')[1][:32]: line for line in lines}


async def test_an_exemplar_leads_to_a_trace_that_was_exported(seen: Seen) -> None:
    await call(seen, 0, PARENT)
    trace_id = PARENT.split("-")[1]
    assert "rpc_server_call_duration_seconds_bucket{" in exemplars()[trace_id]
    other = UNSAMPLED.replace(trace_id, "1" * 32)
    await call(seen, 0, other)
    assert "1" * 32 not in exemplars()


async def test_calls_to_other_services_are_counted_by_method_service_and_status(
    seen: Seen,
) -> None:
    def made() -> float:
        labels = {
            "rpc_method": "x.Y/Z",
            "server_address": "other",
            "rpc_response_status_code": "OK",
        }
        return REGISTRY.get_sample_value("rpc_client_call_duration_seconds_count", labels) or 0.0

    before = made()
    await call(seen, 0)
    assert made() == before + 1


async def test_a_trace_goes_on_through_the_call(seen: Seen) -> None:
    _, carrier, _ = await call(seen, 0, PARENT)
    spans = seen.spans()
    server, client, step = (context_of(spans[name]) for name in (NAME, "x.Y/Z", "step"))
    assert {f"{c.trace_id:032x}" for c in (server, client, step)} == {PARENT[3:35]}
    parents = {name: span.parent.span_id for name, span in spans.items() if span.parent}
    assert parents == {
        NAME: int(PARENT[36:52], 16),
        "x.Y/Z": server.span_id,
        "step": server.span_id,
    }
    assert f"traceparent=00-{PARENT[3:35]}-{client.span_id:016x}-01" in carrier
    assert carrier.endswith(f"recorded={PARENT[3:35]}")
    assert spans["x.Y/Z"].kind is trace.SpanKind.CLIENT


def context_of(span: ReadableSpan) -> trace.SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


async def test_a_call_that_was_not_sampled_is_handed_on_so_and_not_recorded(seen: Seen) -> None:
    for start in (0, 1):
        _, carrier, _ = await call(seen, start, UNSAMPLED)
        assert seen.spans() == {}
        assert start == 1 or carrier.endswith("-00 recorded=")
    assert seen.lines()[-1]["trace_id"] == PARENT[3:35]


@pytest.mark.parametrize(("start", "steps"), [(2, {"step"}), (3, {"step", "x.Y/Z"})])
async def test_what_fails_or_is_slow_is_recorded_in_any_case(
    seen: Seen, start: int, steps: set[str]
) -> None:
    seen.tracing.slow = SLOW
    await call(seen, start, UNSAMPLED)
    spans = seen.spans()
    assert spans.keys() == {NAME, *steps}
    assert {f"{context_of(span).trace_id:032x}" for span in spans.values()} == {PARENT[3:35]}
    step = spans["step"]
    assert step.parent is not None
    assert step.parent.span_id == context_of(spans[NAME]).span_id
    assert (step.end_time or 0) <= (spans[NAME].end_time or 0)


@pytest.mark.parametrize(("sampler", "recorded"), [("always_off", False), ("always_on", True)])
async def test_the_sdks_variables_say_what_is_sampled(
    monkeypatch: pytest.MonkeyPatch, sampler: str, recorded: bool
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    tracing = OtelTracing(SimpleSpanProcessor(InMemorySpanExporter()), {}, SLOW)
    assert tracing.begin(None, NAME).sampled is recorded


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
        await seen.stub.GetCheckpoint(log_service_pb2.GetCheckpointRequest(), timeout=PATIENCE)
    assert not {label for label in labels() - before if "GetCheckpoint" not in label}


TO = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {**TO, "OTEL_SDK_DISABLED": "true"},
        {**TO, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_exported_unless_it_is_asked_for(environ: dict[str, str]) -> None:
    assert configure_tracing("test", environ, TraceSettings()) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")],
)
def test_another_way_of_exporting_than_there_is_is_refused(key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}: '{value}'"):
        configure_tracing("test", {**TO, key: value}, TraceSettings())
