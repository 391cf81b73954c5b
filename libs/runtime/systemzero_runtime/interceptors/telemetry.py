"""Each call measured, traced and logged: metrics (Prometheus), a span (OpenTelemetry), a line.

Traces are off unless `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set;
the SDK's own `OTEL_*` variables then configure sampling and export. Names are the semantic
conventions' current ones: https://opentelemetry.io/docs/specs/semconv/rpc/.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import cache
from importlib.metadata import version
from typing import Any

import grpc
from prometheus_client import Gauge, Histogram

from systemzero_base.settings.config import ConfigError
from systemzero_base.telemetry.exemplars import Exemplars
from systemzero_base.telemetry.logs import CallLog
from systemzero_base.telemetry.observed import REQUEST_ID, CurrentCall, set_current_call
from systemzero_base.telemetry.tracing import TraceSettings, Tracing
from systemzero_runtime.interceptors.chain import Call, Interceptor

CALL_DURATION = Histogram(
    "rpc_server_call_duration_seconds",
    "Duration of calls served, by method and status.",
    ["rpc_method", "rpc_response_status_code"],
)
EXEMPLARS = Exemplars("rpc_server_call_duration_seconds", Histogram.DEFAULT_BUCKETS)
"""For the supervisor of several workers; see `exemplars`."""
CALLS_IN_FLIGHT = Gauge(
    "rpc_server_calls_in_flight",
    "Calls being served.",
    ["rpc_method"],
    multiprocess_mode="livesum",
)

_EXPORT_KEYS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_ONLY = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
}
_OK = grpc.StatusCode.OK


def configure_tracing(
    service: str, environ: Mapping[str, str], settings: TraceSettings
) -> Tracing | None:
    """What exports the spans of `service`, or None where nothing asks for traces.

    Raises:
        ConfigError: another way of exporting is asked for than there is.
    """
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if off or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    if not any(environ.get(key) for key in _EXPORT_KEYS):
        return None
    for key, value in _ONLY.items():
        if environ.get(key, value) != value:
            raise ConfigError(f"{key}: {environ[key]!r} is not supported, only {value!r}")
    # here, since most processes export nothing: they take 20 MB to import
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from systemzero_base.telemetry.otel import OtelTracing

    resource = {
        "service.name": f"systemzero-{service}",
        "service.version": version("systemzero-runtime"),
    }
    return OtelTracing(BatchSpanProcessor(OTLPSpanExporter()), resource, settings.slow)


@cache
def _in_flight(path: str) -> Gauge:
    return CALLS_IN_FLIGHT.labels(path.removeprefix("/"))


@cache
def _duration(path: str, status: str) -> Histogram:
    return CALL_DURATION.labels(path.removeprefix("/"), status)


def telemetry_interceptor(
    service: str, tracing: Tracing | None, *, is_edge: bool = False
) -> Interceptor:
    """Measures, traces and logs each call. Outermost, so that it sees the final status.

    At the platform's edge callers are told the call's request id.
    """
    log = CallLog(service)

    def interceptor(call: Call) -> AbstractAsyncContextManager[None]:
        return _Observed(log, tracing, call, is_edge)

    return interceptor


class _Observed(AbstractAsyncContextManager[None]):
    __slots__ = ("_call", "_in_flight", "_is_edge", "_log", "_seen", "_tracing")

    def __init__(self, log: CallLog, tracing: Tracing | None, call: Call, is_edge: bool) -> None:
        self._log = log
        self._tracing = tracing
        self._call = call
        self._is_edge = is_edge

    async def __aenter__(self) -> None:
        call = self._call
        self._in_flight = _in_flight(call.method)
        self._in_flight.inc()
        self._seen = CurrentCall(
            call.method, call.pairs, self._tracing, has_one_response=call.has_one_response
        )
        set_current_call(self._seen)
        if self._is_edge:
            call.context.set_trailing_metadata(((REQUEST_ID, self._seen.request_id),))

    async def __aexit__(self, _kind: Any, error: BaseException | None, _traceback: Any) -> None:
        seen = self._seen
        status = "OK" if error is None else _status(self._call.context)
        # by an exemplar a dashboard leads from a bucket to a trace: to one that is exported
        is_recorded = seen.end(status)
        self._in_flight.dec()
        if is_recorded:
            _observe_recorded(seen, status)
        else:
            _duration(seen.method, status).observe(seen.seconds)
        self._log.write(seen, status)


def _observe_recorded(seen: CurrentCall, status: str) -> None:
    _duration(seen.method, status).observe(seen.seconds, {"trace_id": seen.trace_id})
    labels = ("rpc_method", seen.method.removeprefix("/")), ("rpc_response_status_code", status)
    EXEMPLARS.keep(labels, seen.seconds, seen.trace_id)


def _status(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    """The status that the call ended with; a call that did not abort was cancelled."""
    code: Any = context.code()
    if isinstance(code, grpc.StatusCode):
        return "CANCELLED" if code is _OK else code.name
    names = {status.value[0]: status.name for status in grpc.StatusCode}
    return names.get(code, "UNKNOWN") if code else "CANCELLED"
