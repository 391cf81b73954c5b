"""The full check over every database: rows and log that a diff service wrote there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import Connection, update

from systemzero.diff.v1 import verdict_pb2
from systemzero_base.internal.identity import Principal
from systemzero_core.drift import Decision, DecisionKind, Severity
from systemzero_core.errors import DataCorrupted
from systemzero_diff.admin.check import audit
from systemzero_diff.codec.events import decision_record, event_record
from systemzero_diff.digests import DECISION_KIND, EVENT_KIND
from systemzero_diff.model import Drifted
from systemzero_diff.store import (
    LOG,
    METADATA,
    SCHEMA_VERSION,
    SqlDiffStore,
    Transaction,
)
from systemzero_diff.store.tables import DECISIONS, EVENTS, RUNS, TEMPLATES
from systemzero_diff.templates.library import put_version
from systemzero_evidence.log import LogStore
from systemzero_storage.database import Database
from tests.support.databases import OpenDatabase
from tests.support.logs import KEY
from tests.support.stores import NOW, decision, event, template

SOMEBODY = Principal("acme", "key_1")
VERDICT = verdict_pb2.Verdict(similarity=0.5).SerializeToString()
DRIFTED = Drifted("", "", 0, Severity.INFO, 0.5, "", "", "", (), ())


@pytest.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    opened = open_database(METADATA, SCHEMA_VERSION)
    yield opened
    await opened.close()


@pytest.fixture
async def log(database: Database) -> LogStore:
    """The log beside a template, three events of which two are alike, and a decision about both."""
    log = LogStore(database, LOG, "test.example/log", [KEY])
    store = SqlDiffStore(database, log)
    for tenant in ("acme", "other"):
        for job in (versioned, *(drifted(n) for n in range(3)), decided):
            await store.write(tenant, job)
    return log


def versioned(transaction: Transaction) -> None:
    put_version(transaction, template("order", "Buy"), NOW, "etag_1", SOMEBODY, reason="learnt")


def drifted(number: int) -> Callable[[Transaction], None]:
    def job(transaction: Transaction) -> None:
        fingerprint = "f" * 64 if number else "e" * 64
        made = event(number, fingerprint=fingerprint, verdict=VERDICT)
        record = event_record(made, DRIFTED, "d" * 64)
        transaction.put_event(made, transaction.append(EVENT_KIND, record, made.create_time))

    return job


def decided(transaction: Transaction) -> None:
    made: Decision = decision(1, DecisionKind.REJECT)
    index = transaction.append(DECISION_KIND, decision_record(made, "evt_1"), made.create_time)
    transaction.put_decision(made, "evt_1", index)


async def test_what_a_service_wrote_is_whole(database: Database, log: LogStore) -> None:
    audited = await audit(database, log)
    assert [(each.tenant, each.checkpoint.size) for each in audited] == [("acme", 5), ("other", 5)]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (update(EVENTS).where(EVENTS.c.event_id == "evt_2").values(app="x"), "app was altered"),
        (update(DECISIONS).where(DECISIONS.c.event_id == "evt_1").values(kind="x"), "kind"),
        (update(DECISIONS).values(covers="tenant:"), "decisions row .* covers was altered"),
        (update(DECISIONS).values(covers="event:evt_1"), "decisions row .* covers was altered"),
        (update(DECISIONS).values(values_digest="e" * 64), "values_digest was altered"),
        (update(EVENTS).values(run=b"another"), "events row .* run was altered"),
        (update(RUNS).values(app="x"), "events row .* run was altered"),
        (update(RUNS).values(event_id="evt_0"), "events row .* run was altered"),
        (update(RUNS).values(since=2**40), "runs row .* run was altered"),
        (update(RUNS).values(events=RUNS.c.events + 1), "runs row .* events was altered"),
        (update(RUNS).values(first_position=2**40), "first_position was altered"),
        (update(RUNS).values(last_position=0), "last_position was altered"),
        (update(TEMPLATES).values(newest=False), "newest was altered"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_what_was_altered_is_named_with_its_tenant(
    database: Database, log: LogStore, statement: object, said: str
) -> None:
    def job(connection: Connection) -> None:
        connection.execute(statement)  # type: ignore[call-overload]

    await database.of("other").write(lambda c: job(c.unscoped))
    with pytest.raises(DataCorrupted, match=said) as caught:
        await audit(database, log)
    assert caught.value.message.startswith("tenant '")
