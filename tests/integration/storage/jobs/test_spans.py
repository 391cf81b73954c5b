"""What a traced call shows of its database: statements and commits, each in the trace it is of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, Text, insert, select
from sqlalchemy.exc import SQLAlchemyError

from systemzero_base.telemetry.observed import CurrentCall, set_current_call
from systemzero_base.telemetry.tracing import Span, SpanContext, new_id
from systemzero_storage.database import Database
from tests.support.databases import OpenDatabase

METADATA = MetaData()
NOTES = Table("notes", METADATA, Column("text", Text, primary_key=True))
SECRET = "nobodys-business"


class Kept:
    """Tracing that samples everything and keeps the spans."""

    slow = 1.0

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def begin(self, parent: SpanContext | None, name: str) -> SpanContext:
        return SpanContext(new_id(128), new_id(64), sampled=True)

    def record(self, span: Span) -> None:
        self.spans.append(span)

    def of(self, call: CurrentCall) -> list[Span]:
        assert call.span_context is not None
        spans = [
            span for span in self.spans if span.span_context.trace_id == call.span_context.trace_id
        ]
        assert {span.parent for span in spans} == {call.span_context}
        return spans


def add(text: str) -> Callable[[Connection], int]:
    return lambda c: c.execute(insert(NOTES).values(text=text)).rowcount


def count(connection: Connection) -> int:
    return len(connection.execute(select(NOTES)).all())


@pytest.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    opened = open_database(METADATA, 1)
    yield opened
    await opened.close()


async def test_a_read_shows_its_statement_and_nothing_of_its_values(database: Database) -> None:
    kept = Kept()
    call = CurrentCall("/a/B", (), kept)
    set_current_call(call)
    await database.write(add(SECRET))
    await database.read(count)
    insertion, commit, selection = kept.of(call)
    assert [one.name for one in (insertion, commit, selection)] == [
        "INSERT notes",
        "COMMIT",
        "SELECT notes",
    ]
    assert {one.kind for one in kept.spans} == {"CLIENT"}
    assert dict(selection.attributes) == {
        "db.system.name": insertion.attributes["db.system.name"],
        "db.operation.name": "SELECT",
        "db.collection.name": "notes",
    }
    assert insertion.start <= insertion.end <= commit.end <= selection.end
    assert SECRET not in str(kept.spans)


async def test_jobs_that_share_a_commit_show_it_each_in_its_own_trace(database: Database) -> None:
    kept = Kept()
    calls = [CurrentCall("/a/B", (), kept) for _ in range(5)]

    async def work(number: int, call: CurrentCall) -> None:
        set_current_call(call)
        await database.write(add(str(number)))

    await asyncio.gather(*(work(number, call) for number, call in enumerate(calls)))
    for call in calls:
        assert sorted(span.name for span in kept.of(call)) == ["COMMIT", "INSERT notes"]


async def test_a_statement_that_fails_says_so(database: Database) -> None:
    kept = Kept()
    await database.write(add("once"))
    call = CurrentCall("/a/B", (), kept)
    set_current_call(call)
    with pytest.raises(SQLAlchemyError):
        await database.write(add("once"))
    names = [(span.name, bool(span.error)) for span in kept.of(call) if span.name != "COMMIT"]
    assert names == [("INSERT notes", True)]


async def test_work_of_no_call_shows_nothing(database: Database) -> None:
    set_current_call(CurrentCall("/a/B", (), None))
    await database.write(add("a"))
    set_current_call(None)
    assert await database.read(count) == 1
