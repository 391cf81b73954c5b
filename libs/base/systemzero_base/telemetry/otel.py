"""Spans recorded by OpenTelemetry's SDK; imported only where traces are asked for.

The SDK's own `OTEL_*` variables say how: https://opentelemetry.io/docs/specs/otel/configuration/.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision

from systemzero_base.telemetry.tracing import Span, SpanContext, new_id

_NO_CONTEXT = Context()
_SAMPLED = trace.TraceFlags(trace.TraceFlags.SAMPLED)
_UNSAMPLED = trace.TraceFlags(trace.TraceFlags.DEFAULT)


class OtelTracing:
    """See `systemzero_base.telemetry.tracing.Tracing`."""

    def __init__(self, processor: SpanProcessor, resource: Mapping[str, str], slow: float) -> None:
        """Spans go to `processor`; for `slow` see `TraceSettings`.

        `resource` says whose they are, unless `OTEL_RESOURCE_ATTRIBUTES` says otherwise. Which
        traces are sampled, the SDK says by `OTEL_TRACES_SAMPLER`.
        """
        self.slow = slow
        self._sampler = TracerProvider(
            resource=Resource.get_empty(), shutdown_on_exit=False
        ).sampler
        self._ids = _GivenIds()
        provider = TracerProvider(
            # what is recorded was decided on when it began, or when it was over
            sampler=ALWAYS_ON,
            id_generator=self._ids,
            resource=Resource.create(dict(resource)).merge(OTELResourceDetector().detect()),
        )
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("systemzero")

    def begin(self, parent: SpanContext | None, name: str) -> SpanContext:
        """See `Tracing.begin`."""
        trace_id = parent.trace_id if parent else new_id(128)
        context = _NO_CONTEXT if parent is None else _context(parent)
        decided = self._sampler.should_sample(context, trace_id, name, trace.SpanKind.SERVER)
        state = parent.state if parent else ""
        return SpanContext(
            trace_id, new_id(64), decided.decision is Decision.RECORD_AND_SAMPLE, state
        )

    def record(self, span: Span) -> None:
        """See `Tracing.record`."""
        self._ids.trace_id, self._ids.span_id = (
            span.span_context.trace_id,
            span.span_context.span_id,
        )
        is_remote = span.kind == "SERVER"
        made = self._tracer.start_span(
            span.name,
            _NO_CONTEXT if span.parent is None else _context(span.parent, is_remote=is_remote),
            trace.SpanKind[span.kind],
            span.attributes,
            start_time=span.start,
        )
        if span.error:
            made.set_attribute("error.type", span.error)
            made.set_status(trace.StatusCode.ERROR)
        made.end(span.end)


class _GivenIds(threading.local, IdGenerator):
    """Gives a span the ids that it has had since it began; each thread records its own."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


def _context(span_context: SpanContext, *, is_remote: bool = True) -> Context:
    flags = _SAMPLED if span_context.sampled else _UNSAMPLED
    state = trace.TraceState.from_header([span_context.state]) if span_context.state else None
    context = trace.SpanContext(
        span_context.trace_id, span_context.span_id, is_remote, flags, state
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(context), _NO_CONTEXT)
