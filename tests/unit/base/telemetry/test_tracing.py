"""Where a call stands in its trace, as OpenTelemetry's own reader has it; and its request id."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from systemzero_base.telemetry.observed import REQUEST_ID, ClientSpan, CurrentCall, set_current_call
from systemzero_base.telemetry.tracing import SpanContext, read_span_context

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
MADE = re.compile("[0-9a-f]{32}")


def hexadecimal(digits: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=digits, max_size=digits) | st.just("0" * digits)


traceparents = st.builds(
    "-".join, st.tuples(hexadecimal(2), hexadecimal(32), hexadecimal(16), hexadecimal(2))
)


@given(traceparents | st.text(max_size=60))
@example(PARENT)
@example(PARENT + "-more")
@example("01" + PARENT[2:] + "-more")
@example("ff" + PARENT[2:])
@example(PARENT.upper())
def test_a_place_is_read_as_opentelemetry_reads_it(text: str) -> None:
    theirs = trace.get_current_span(
        TraceContextTextMapPropagator().extract({"traceparent": text})
    ).get_span_context()
    ours = read_span_context(text, None)
    if not theirs.is_valid:
        assert ours is None
        return
    assert ours == SpanContext(theirs.trace_id, theirs.span_id, theirs.trace_flags.sampled)


def test_a_place_is_written_as_it_was_read() -> None:
    span_context = read_span_context(PARENT, "vendor=1")
    assert span_context is not None
    assert (span_context.traceparent, span_context.state) == (PARENT, "vendor=1")


@pytest.mark.parametrize("state", ["x" * 513, "a\x7f", "é", b"bytes", None])
def test_state_that_could_not_be_sent_on_is_left_out(state: str | bytes | None) -> None:
    span_context = read_span_context(PARENT, state)
    assert span_context is not None
    assert span_context.state == ""


@pytest.mark.parametrize("given", ["r-1", "A.b_c:d/e@f=g+h", "x" * 128])
def test_the_callers_request_id_is_kept(given: str) -> None:
    assert CurrentCall("/a/B", ((REQUEST_ID, given),), None).request_id == given


@pytest.mark.parametrize(
    "given", ["", "x" * 129, "a b", 'a"b', "é", "a\n", "s0_live_abc", b"raw", None]
)
def test_a_request_id_that_is_none_is_replaced(given: str | bytes | None) -> None:
    metadata = () if given is None else ((REQUEST_ID, given),)
    first, second = (CurrentCall("/a/B", metadata, None).request_id for _ in range(2))
    assert MADE.fullmatch(first)
    assert first != second


def test_of_several_values_the_first_counts() -> None:
    metadata = ((REQUEST_ID, "one"), ("other", "x"), (REQUEST_ID, "two"))
    assert CurrentCall("/a/B", metadata, None).request_id == "one"


def test_what_is_handed_on_is_the_request_id_and_the_place_alone() -> None:
    metadata = (("authorization", "Bearer x"), ("traceparent", PARENT), ("tracestate", "v=1"))
    call = CurrentCall("/a/B", metadata, None)
    set_current_call(call)
    try:
        handed_on = ClientSpan("/c/D", "other").metadata()
    finally:
        set_current_call(None)
    assert handed_on == (
        ("x-request-id", call.request_id),
        ("traceparent", PARENT),
        ("tracestate", "v=1"),
    )
    assert ClientSpan("/c/D", "other").metadata() == ()
