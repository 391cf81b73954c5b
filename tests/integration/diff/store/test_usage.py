"""The counters of the diff service's store equal a recount, whatever was written and deleted."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_base.secrets import write_private
from systemzero_core.drift import DecisionKind, SessionCapture
from systemzero_core.errors import FailedPrecondition
from systemzero_core.template import next_version
from systemzero_diff.admin.tenant_erasure import erase_tenant
from systemzero_diff.model import Answered, RememberedAnswer, Session
from systemzero_diff.store import LOG, METADATA, SqlDiffStore, Transaction
from systemzero_evidence.log import LogStore
from systemzero_storage.database import Database
from systemzero_storage.tenancy.counters import recounted
from tests.integration.diff.store.test_store import decided, recorded
from tests.support.patience import UNHURRIED
from tests.support.stores import DAY, NOW, plain, template
from tests.support.usage import agrees, counted

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ORIGIN = "test.example/log"
COUNTS = {
    "templates": lambda rows: sum(r["newest"] and not r["deleted"] for r in rows["templates"]),
    "events": lambda rows: sum(r["erase_time"] is None for r in rows["events"]),
}
_TENANTS = itertools.count()

OPERATIONS = st.tuples(
    st.sampled_from(
        ["record", "learn", "delete", "decide", "erase", "answer", "visit", "count", "publish"]
    ),
    st.integers(0, 3),
)


class World:
    """One tenant's templates and events, and what may be done to them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.log = LogStore(database, LOG, ORIGIN, [KEY])
        self.store = SqlDiffStore(database, self.log)
        self.tenant = f"t{next(_TENANTS)}"
        self.versions: dict[int, int] = {}
        self.events = 0
        self.names = itertools.count()

    async def write(self, job: Callable[[Transaction], object]) -> None:
        await self.store.write(self.tenant, job)

    async def record(self, which: int) -> None:
        number = self.events + 1
        shown = {"capture_id": f"cap_{which}", "verdict": b"verdict" * which}
        with suppress(FailedPrecondition):  # of a capture that was erased, nothing is left
            await self.write(recorded(number, **shown))
            self.events = number

    async def learn(self, which: int, *, deleted: bool = False) -> None:
        made = template(f"screen {which}", "é" * which, template_id=f"tpl_{which}")
        for _ in range(self.versions.get(which, 0)):
            made = next_version(made, {})
        self.versions[which] = self.versions.get(which, 0) + 1
        await self.write(lambda t: t.put_template(made, NOW, "etag", deleted=deleted))

    async def delete(self, which: int) -> None:
        if which in self.versions:
            await self.learn(which, deleted=True)

    async def decide(self, _: int) -> None:
        if self.events:
            await self.write(decided(self.events, next(self.names), DecisionKind.REJECT))

    async def erase(self, which: int) -> None:
        await self.write(lambda t: t.erase_capture(f"cap_{which}", NOW, plain))

    async def answer(self, which: int) -> None:
        asked = Answered(f"req_{next(self.names)}", bytes([which]))
        time = NOW + next(self.names) * DAY  # so that old ones are forgotten
        await self.write(
            lambda t: t.keep_answer(asked, RememberedAnswer(b"answer"), time, f"cap_{which}")
        )

    async def visit(self, which: int) -> None:
        path = Session((SessionCapture("order", NOW),) * which, NOW)
        await self.write(lambda t: t.put_session(f"session {which}", path, NOW))

    async def count(self, which: int) -> None:
        await self.write(lambda t: t.count_verdicts({("2026-01-01", "drift"): which}))

    async def publish(self, _: int) -> None:
        await self.log.publish_checkpoints()


@settings(max_examples=25, suppress_health_check=UNHURRIED)
@given(st.lists(OPERATIONS, max_size=14), st.booleans())
async def test_the_counters_equal_a_recount(
    database: Database, tmp_path: Path, operations: list[tuple[str, int]], forgotten: bool
) -> None:
    world, rival = World(database), World(database)
    await rival.record(1)
    before = await counted(database, METADATA, rival.tenant)
    for name, value in operations:
        await getattr(world, name)(value)
    if forgotten:
        folder = tmp_path / "diff"
        pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        if not (folder / "log.key").exists():
            write_private(folder / "log.key", pem)
        assert [line async for line in erase_tenant(database, folder, ORIGIN, world.tenant, NOW)]
    await agrees(database, METADATA, world.tenant, COUNTS)
    assert await counted(database, METADATA, rival.tenant) == before
    own = database.of(world.tenant)
    again = await own.read(lambda c: recounted(c.unscoped, METADATA, world.tenant))
    assert again == await counted(database, METADATA, world.tenant)


async def test_what_is_deleted_is_given_back(database: Database) -> None:
    world = World(database)
    await world.learn(1)
    await world.learn(1)  # a version is no other template
    await world.learn(2)
    await world.record(1)
    await world.record(2)
    found = await counted(database, METADATA, world.tenant)
    assert (found["templates"], found["events"]) == (2, 2)
    await world.delete(1)
    await world.erase(1)
    found = await counted(database, METADATA, world.tenant)
    assert (found["templates"], found["events"]) == (1, 1)
