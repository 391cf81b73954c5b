"""Where a call stands in its trace: W3C Trace Context, and spans that are made when they are over.

What is not recorded costs its ids alone. `systemzero_base.telemetry.otel` records, by
OpenTelemetry's SDK; nothing of that is loaded in a process that exports nothing.

Source: https://www.w3.org/TR/trace-context/.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, Protocol

from systemzero_base.settings.config import Seconds, Settings

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
MAX_STATE_CHARACTERS: Final = 512

_PARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

Attributes = Mapping[str, str | int]
Kind = Literal["SERVER", "CLIENT", "INTERNAL"]
"""What a span is of, by OpenTelemetry's names."""


class TraceSettings(Settings, frozen=True):
    """Which calls are traced beside those that are sampled; `OTEL_*` says the rest.

    Attributes:
        slow: a call with one response that takes so many seconds is recorded in any case.
    """

    slow: Seconds = 1.0


class SpanContext(NamedTuple):
    """Where something stands in a trace: the W3C trace context of its span.

    `state` is what others keep in `tracestate`, handed on as it is.
    """

    trace_id: int
    span_id: int
    sampled: bool = False
    state: str = ""

    @property
    def traceparent(self) -> str:
        """By which the next service goes on."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{'01' if self.sampled else '00'}"

    @property
    def trace_name(self) -> str:
        """The trace's id as 32 hexadecimal digits."""
        return f"{self.trace_id:032x}"

    def below(self) -> SpanContext:
        """A place right below this one."""
        return SpanContext(self.trace_id, new_id(64), self.sampled, self.state)


class Span(NamedTuple):
    """A span that is over. Times are nanoseconds since 1970; `error` names what went wrong."""

    span_context: SpanContext
    parent: SpanContext | None
    name: str
    kind: Kind
    start: int
    end: int
    attributes: Attributes
    error: str = ""


class Tracing(Protocol):
    """Decides which traces are sampled, and records spans."""

    slow: float

    def begin(self, parent: SpanContext | None, name: str) -> SpanContext:
        """The place of a call that starts here, below its caller's or at a trace's root."""
        ...

    def record(self, span: Span) -> None:
        """Export `span`. From any thread."""
        ...


def read_span_context(
    traceparent: str | bytes | None, tracestate: str | bytes | None
) -> SpanContext | None:
    """The place that a caller stands at; None where it names none, or not as W3C has it."""
    if not isinstance(traceparent, str):
        return None
    match = _PARENT.fullmatch(traceparent)
    if match is None or (match[1] == "00" and match[5]):
        return None
    trace_id, span_id = int(match[2], 16), int(match[3], 16)
    if not (trace_id and span_id):
        return None
    return SpanContext(trace_id, span_id, bool(int(match[4], 16) & 1), _state(tracestate))


def _state(tracestate: str | bytes | None) -> str:
    """`tracestate` if it can be handed on: what gRPC takes from a client it does not all send."""
    if not isinstance(tracestate, str) or len(tracestate) > MAX_STATE_CHARACTERS:
        return ""
    return tracestate if tracestate.isascii() and tracestate.isprintable() else ""


def new_id(bits: int) -> int:
    """A random id; 0 would be none."""
    return random.getrandbits(bits) or 1  # nosec B311 - an id to find, not a secret to guess
