"""Erasing a tenant in the diff service's database, over every database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import delete, select, update

from systemzero_base.secrets import write_private
from systemzero_core.drift import DecisionKind, SessionCapture
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_core.template import Template
from systemzero_diff.admin.tenant_erasure import erase_tenant
from systemzero_diff.model import Answered, EventFilter, RememberedAnswer, Session
from systemzero_diff.store import LOG, METADATA, SCHEMA, SCHEMA_VERSION, SqlDiffStore, Transaction
from systemzero_diff.store.tables import DECISIONS, EVENTS, TEMPLATES
from systemzero_evidence.log import LogStore
from systemzero_storage.database import ERASED, Database
from systemzero_storage.sealing.tenant_erasure import destroy_keys
from tests.integration.diff.store.test_store import decided, recorded
from tests.support.databases import OpenDatabase
from tests.support.sealing import sealed
from tests.support.stores import NOW, template

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ORIGIN = "test.example/log"
ASKED = Answered("req_1", b"digest")
SESSION = Session((SessionCapture("order", NOW),), NOW)
LINES = [
    "2 events are erased",
    "2 templates are erased",
    "1 decisions are erased",
    "1 sessions are forgotten",
    "1 other log entries are erased, and the log says so",
]


@pytest.fixture
async def bare(open_database: OpenDatabase) -> AsyncIterator[Database]:
    """The database as it is, beneath."""
    opened = open_database(METADATA, SCHEMA_VERSION)
    yield opened
    await opened.close()


def log_on(database: Database) -> LogStore:
    return LogStore(database, LOG, ORIGIN, [KEY])


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The service's data folder, with the key of its log."""
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(tmp_path / "diff" / "log.key", pem)
    return tmp_path / "diff"


def on(database: Database) -> SqlDiffStore:
    return SqlDiffStore(database, log_on(database))


async def fill(store: SqlDiffStore, tenant: str) -> None:
    """Two events, a decision, two templates of which one has no tree, an answer, a session."""

    def job(transaction: Transaction) -> None:
        recorded(1, verdict=b"verdict")(transaction)
        recorded(2, verdict=b"verdict")(transaction)
        decided(1, 1, DecisionKind.REJECT)(transaction)
        transaction.append("drift.decision", {"reason": "secret"}, NOW)
        transaction.put_template(template("order", "Buy"), NOW, "etag_1")
        transaction.put_template(Template(template_id="tpl_2", screen_id="bare"), NOW, "etag_2")
        transaction.keep_answer(ASKED, RememberedAnswer(b"answer"), NOW)
        transaction.put_session("session", SESSION, NOW)

    await store.write(tenant, job)


@pytest.mark.parametrize("how", ["sealed", "plain"])
async def test_a_tenant_is_erased_and_another_is_not(bare: Database, keys: Path, how: str) -> None:
    database = sealed(bare, SCHEMA) if how == "sealed" else bare
    store, log = on(database), log_on(database)
    for tenant in ("acme", "other"):
        await fill(store, tenant)
    await destroy_keys(bare, SCHEMA, "acme", NOW)
    assert [line async for line in erase_tenant(bare, keys, ORIGIN, "acme", NOW)] == LINES
    again = [line async for line in erase_tenant(bare, keys, ORIGIN, "acme", NOW + 5)]
    assert again == [line.replace("2", "0").replace("1", "0") for line in LINES]
    store = on(sealed(bare, SCHEMA)) if how == "sealed" else on(bare)
    events = await store.read("acme", lambda t: t.events(None, 9, EventFilter(now=NOW)))
    assert [(e.event.verdict, e.erase_time) for e in events] == [(b"", NOW)] * 2
    assert events[1].decision is not None
    assert events[1].decision.reason == ""
    assert await store.read("acme", lambda t: t.templates("", 9, "")) == []
    assert (await store.read("acme", lambda t: t.template("tpl_1"))).deleted
    with pytest.raises(FailedPrecondition, match="erased"):
        await store.read("acme", lambda t: t.answer(ASKED))
    assert await store.read("acme", lambda t: t.session("session")) is None
    assert [entry.body for entry in await log.list_entries("acme", 0, 3)] == [None] * 3
    assert (await log.verify("acme")).size == 5
    await are_there(store, log, "other")


@pytest.mark.parametrize("how", ["destroyed", "gone"])
async def test_a_tenant_whose_keys_were_destroyed_is_not_served_as_if_whole(
    bare: Database, how: str
) -> None:
    for tenant in ("acme", "other"):
        await fill(on(sealed(bare, SCHEMA)), tenant)
    table = METADATA.tables["data_keys"]
    mine = table.c.tenant == "acme"
    hurt = update(table).where(mine).values(wrapped=None) if how == "destroyed" else delete(table)
    await bare.write(lambda c: c.execute(hurt.where(mine)).close())
    store, log = on(sealed(bare, SCHEMA)), log_on(sealed(bare, SCHEMA))
    said = rf"tenant 'acme'.*data key 1 .*{'destroyed' if how == 'destroyed' else 'missing'}"
    asked: list[Awaitable[object]] = [
        store.read("acme", lambda t: t.events(None, 9, EventFilter(now=NOW))),
        store.read("acme", lambda t: t.templates("", 9, "")),
        store.read("acme", lambda t: t.template("tpl_1")),
        log.list_entries("acme", 0, 9),
        log.get_entry("acme", 0),
        log.verify("acme"),
    ]
    for each in asked:
        with pytest.raises(DataCorrupted, match=said) as caught:
            await each
        assert "restore" in caught.value.message
        assert caught.value.metadata["tenant"] == "acme"
    await are_there(store, log, "other")


async def are_there(store: SqlDiffStore, log: LogStore, tenant: str) -> None:
    """Everything that `fill` put there."""
    events = await store.read(tenant, lambda t: t.events(None, 9, EventFilter(now=NOW)))
    assert [(e.event.verdict, e.erase_time) for e in events] == [(b"verdict", None)] * 2
    assert events[1].decision is not None
    assert events[1].decision.reason == "because"
    assert len(await store.read(tenant, lambda t: t.templates("", 9, ""))) == 2
    assert await store.read(tenant, lambda t: t.answer(ASKED)) == RememberedAnswer(b"answer")
    assert await store.read(tenant, lambda t: t.session("session")) == SESSION
    assert all(entry.body for entry in await log.list_entries(tenant, 0, 9))
    assert (await log.verify(tenant)).size == 3


async def test_what_was_null_stays_so(bare: Database, keys: Path) -> None:
    await fill(on(bare), "acme")
    assert [line async for line in erase_tenant(bare, keys, ORIGIN, "acme", NOW)] == LINES
    columns = (TEMPLATES.c.body, TEMPLATES.c.tree, EVENTS.c.verdict, DECISIONS.c.body)
    found = [await bare.read(lambda c, x=x: c.execute(select(x)).scalars().all()) for x in columns]  # type: ignore[misc]
    assert found == [[ERASED] * 2, [ERASED, None], [None] * 2, [ERASED]]
