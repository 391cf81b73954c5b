"""What is left of an attack: in answers to those who read it, and on the disk. All in bytes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import grpc

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.log.v1 import log_service_pb2 as log_pb

_PATIENCE = 20.0
_OF_EVENTS = ("event", "verdict", "answer", "record", "entr")


def largest_read(services: Any) -> int:
    """The largest answer to a tenant's questions about what it has; those that fail have none."""
    largest = 0
    for method, request in _questions(services):
        with suppress(grpc.RpcError):
            largest = max(largest, method(request, timeout=_PATIENCE).ByteSize())
    with suppress(grpc.RpcError):
        for message in services.log.ExportEntries(log_pb.ExportEntriesRequest(), timeout=_PATIENCE):
            largest = max(largest, message.ByteSize())
    return largest


def _questions(services: Any) -> Iterator[tuple[Any, Any]]:
    yield services.drift.ListEvents, drift_pb.ListEventsRequest()
    yield services.drift.GetSummary, drift_pb.GetSummaryRequest()
    yield services.capture.ListCaptures, capture_pb.ListCapturesRequest()
    yield services.template.ListTemplates, template_pb.ListTemplatesRequest()
    yield services.log.ListEntries, log_pb.ListEntriesRequest()
    with suppress(grpc.RpcError):
        asked = drift_pb.ListEventsRequest(page_size=1)
        for event in services.drift.ListEvents(asked, timeout=_PATIENCE).events:
            yield services.drift.GetEvent, drift_pb.GetEventRequest(event_id=event.event_id)
    with suppress(grpc.RpcError):
        listed = capture_pb.ListCapturesRequest(page_size=1)
        for capture in services.capture.ListCaptures(listed, timeout=_PATIENCE).captures:
            request = capture_pb.GetCaptureRequest(capture_id=capture.capture_id, include_tree=True)
            yield services.capture.GetCapture, request


def bytes_below(folder: Path) -> int:
    """What the files below `folder` take."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += file.stat().st_size if file.is_file() else 0
    return total


def largest_event(data: Path) -> int:
    """The largest value among what databases below `data` hold of events, verdicts, answers."""
    largest = 0
    for file in data.rglob("*.db"):
        with closing(sqlite3.connect(file)) as database:
            for table, column in _columns(database):
                statement = f"SELECT max(length({column})) FROM {table}"  # noqa: S608 - its own names
                largest = max(largest, database.execute(statement).fetchone()[0] or 0)
    return largest


def _columns(database: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [
        (table, row[1])
        for (table,) in tables
        for row in database.execute(f"PRAGMA table_info({table})")
        if any(word in f"{table} {row[1]}" for word in _OF_EVENTS)
        and row[2].upper() in ("BLOB", "TEXT")
    ]
