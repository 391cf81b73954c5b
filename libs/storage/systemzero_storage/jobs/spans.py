"""Spans of the statements and commits that a call's jobs lead to, below the call's own span.

A statement is named by what it does to which table, never by its text or its values.
Source: https://opentelemetry.io/docs/specs/semconv/db/database-spans/.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Engine, event

from systemzero_base.telemetry.observed import CurrentCall, current_call, set_current_call
from systemzero_base.telemetry.tracing import Attributes, Span

_START: Final = "systemzero_start"
_TEXTS: Final = 1_024
"""Statements whose names are kept; those with lists in them come in many lengths."""

_OPERATION = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE)\b")
_TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"?(\w+)')


class StatementSpans:
    """A span for each statement that an engine runs for a traced call.

    It listens from the first such call on: that costs each statement as much as SQLite takes for
    it, and most processes trace nothing.
    """

    def __init__(self, engine: Engine, system: str) -> None:
        """`system` is what traces call the database."""
        self._engine = engine
        self._system = system
        self._listens = False
        self._lock = threading.Lock()

    def follow(self, call: CurrentCall | None) -> None:
        """The statements that this thread runs from now on are for `call`."""
        set_current_call(call)
        if not self._listens and call is not None and call.is_traced:
            self._listen()

    def _listen(self) -> None:
        with self._lock:
            if not self._listens:
                _trace_statements(self._engine, self._system)
                self._listens = True


def _trace_statements(engine: Engine, system: str) -> None:
    def before(_connection: Any, _cursor: Any, _text: str, _values: Any, run: Any, _: bool) -> None:
        call = current_call()
        if call is not None and call.is_traced:
            setattr(run, _START, time.time_ns())

    def after(_connection: Any, _cursor: Any, text: str, values: Any, run: Any, many: bool) -> None:
        _ended(run, system, text, len(values) if many else 1, "")

    def failed(failure: Any) -> None:
        if failure.execution_context is not None:
            error = type(failure.original_exception).__name__
            _ended(failure.execution_context, system, failure.statement or "", 1, error)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)


def committed(calls: Iterable[CurrentCall | None], system: str, start: int, jobs: int) -> None:
    """Tell `calls` of the commit, begun at `start`, that their `jobs` had in common.

    Each call gets a span of its own, below its own: what a call waited for is in its trace.
    """
    end = time.time_ns()
    attributes: dict[str, str | int] = {"db.system.name": system, "db.operation.name": "COMMIT"}
    if jobs > 1:
        attributes["systemzero.jobs"] = jobs
    for call in calls:
        if call is not None:
            _add(call, "COMMIT", start, end, attributes, "")


def _ended(run: Any, system: str, text: str, count: int, error: str) -> None:
    call, start = current_call(), getattr(run, _START, 0)
    if call is None or not start:
        return
    delattr(run, _START)  # a statement that failed after it ran is told of once
    operation, table = _named(text)
    attributes: dict[str, str | int] = {
        "db.system.name": system,
        "db.operation.name": operation,
        "db.collection.name": table,
    }
    if count > 1:
        attributes["db.operation.batch.size"] = count
    _add(call, f"{operation} {table}".strip(), start, time.time_ns(), attributes, error)


def _add(
    call: CurrentCall, name: str, start: int, end: int, attributes: Attributes, error: str
) -> None:
    if call.is_traced and call.span_context is not None:
        span_context = call.span_context.below()
        call.add(
            Span(span_context, call.span_context, name, "CLIENT", start, end, attributes, error)
        )


@lru_cache(_TEXTS)
def _named(text: str) -> tuple[str, str]:
    """What a statement does, and the first table that it does it to."""
    operation, table = _OPERATION.search(text), _TABLE.search(text)
    return operation[1] if operation else "", table[1] if table else ""
