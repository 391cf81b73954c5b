"""Traces (OpenTelemetry, W3C Trace Context), metrics (Prometheus) and a log line of each call.

Traces are off unless `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set;
the SDK's own `OTEL_*` variables then configure sampling and export. Names are the semantic
conventions' current ones: https://opentelemetry.io/docs/specs/semconv/rpc/.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import cache
from typing import Any

import grpc
import structlog
from opentelemetry import trace
from opentelemetry.context import Context as TraceContext
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Gauge, Histogram

from systemzero_chassis.guards import Call, Guard

CALL_DURATION = Histogram(
    "rpc_server_call_duration_seconds",
    "Duration of calls served, by method and status.",
    ["rpc_method", "rpc_response_status_code"],
)
CALLS_IN_FLIGHT = Gauge(
    "rpc_server_calls_in_flight",
    "Calls being served.",
    ["rpc_method"],
    multiprocess_mode="livesum",
)

_EXPORT_KEYS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_OK = grpc.StatusCode.OK
_W3C = TraceContextTextMapPropagator()
_NO_PARENT = TraceContext()


def configure_tracing(service: str, environ: Mapping[str, str]) -> trace.Tracer | None:
    """A tracer that exports the spans of `service`, or None where nothing asks for traces."""
    if not any(environ.get(key) for key in _EXPORT_KEYS):
        return None
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    resource = Resource.create({"service.name": f"systemzero-{service}"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("systemzero")


def trace_metadata() -> list[tuple[str, str]]:
    """The metadata by which the callee goes on with the current trace."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return list(carrier.items())


_in_flight = cache(CALLS_IN_FLIGHT.labels)
_duration = cache(CALL_DURATION.labels)


def observe_guard(
    logger: structlog.typing.FilteringBoundLogger, tracer: trace.Tracer | None
) -> Guard:
    """Measures, traces and logs each call. Outermost, so that it sees the final status."""
    bound = logger.bind()  # not the lazy proxy, which would bind anew for every line

    def guard(call: Call) -> AbstractAsyncContextManager[None]:
        return _Observed(bound, tracer, call)

    return guard


class _Observed(AbstractAsyncContextManager[None]):
    __slots__ = ("_call", "_in_flight", "_logger", "_span", "_started", "_tracer")

    def __init__(
        self,
        logger: structlog.typing.FilteringBoundLogger,
        tracer: trace.Tracer | None,
        call: Call,
    ) -> None:
        self._logger = logger
        self._tracer = tracer
        self._call = call

    async def __aenter__(self) -> None:
        self._started = time.perf_counter()
        self._in_flight = _in_flight(self._call.method)
        self._in_flight.inc()
        self._span = None if self._tracer is None else _span(self._tracer, self._call)
        if self._span is not None:
            self._span.__enter__()

    async def __aexit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        method = self._call.method
        status = _OK.name if error is None else _status(self._call.context)
        if self._span is not None:
            self._span.__exit__(kind, error, traceback)
        self._in_flight.dec()
        seconds = time.perf_counter() - self._started
        _duration(method, status).observe(seconds)
        self._logger.info("rpc", rpc_method=method, status=status, seconds=round(seconds, 6))


def _span(tracer: trace.Tracer, call: Call) -> Any:
    name = call.method.removeprefix("/")
    return tracer.start_as_current_span(
        name,
        context=_parent(call),
        kind=trace.SpanKind.SERVER,
        attributes={"rpc.system.name": "grpc", "rpc.method": name},
    )


def _parent(call: Call) -> TraceContext:
    if call.text("traceparent") is None:
        return _NO_PARENT
    return _W3C.extract({k: v for k, v in call.metadata.items() if isinstance(v, str)})


def _status(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    """The status that the call ended with; a call that did not abort was cancelled."""
    code: Any = context.code()
    if isinstance(code, grpc.StatusCode):
        return "CANCELLED" if code is _OK else code.name
    names = {status.value[0]: status.name for status in grpc.StatusCode}
    return names.get(code, "UNKNOWN") if code else "CANCELLED"
