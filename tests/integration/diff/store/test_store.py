"""The diff store's promises, over every database."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_core.drift import DecisionKind, Severity
from systemzero_core.errors import Conflict, NotFound
from systemzero_core.template import next_version
from systemzero_diff.model import Answered, EventFilter, RememberedAnswer, StoredEvent
from systemzero_diff.store import (
    LOG,
    DiffStore,
    SqlDiffStore,
    Transaction,
)
from systemzero_diff.store.sql import FORGET_EVERY
from systemzero_evidence.log import LogStore
from systemzero_storage.database import Database
from tests.support.patience import UNHURRIED
from tests.support.stores import DAY, NOW, decision, event, template

ANY = EventFilter(now=NOW)


@pytest.fixture
def log(database: Database) -> LogStore:
    return LogStore(database, LOG, "test.example/log", [Ed25519PrivateKey.generate()])


@pytest.fixture
def store(database: Database, log: LogStore) -> DiffStore:
    return SqlDiffStore(database, log)


def recorded(number: int, **other: object) -> Callable[[Transaction], StoredEvent]:
    """A job that stores an event and its entry in the log, as the service does."""

    def job(transaction: Transaction) -> StoredEvent:
        made = event(number, **other)  # type: ignore[arg-type]
        record = {"event_id": made.event_id, "capture_id": made.capture_id}
        index = transaction.append("drift.event", record, made.create_time)
        return transaction.put_event(made, index)

    return job


def decided(
    on: int, number: int, kind: DecisionKind, expire_time: int | None = None
) -> Callable[[Transaction], object]:
    made = decision(number, kind, expire_time=expire_time)
    return lambda t: t.put_decision(made, f"evt_{on}", 0)


async def ids(store: DiffStore, chosen: EventFilter, tenant: str = "acme") -> list[str]:
    found = await store.read(tenant, lambda t: t.events(None, 100, chosen))
    return [stored.event.event_id for stored in found]


async def test_an_event_and_its_entry_are_there_together(store: DiffStore, log: LogStore) -> None:
    stored = await store.write("acme", recorded(1))
    assert await store.read("acme", lambda t: t.event("evt_1")) == stored
    entry = (await log.list_entries("acme", stored.log_index, 1))[0]
    assert entry.body is not None
    assert b"evt_1" in entry.body


async def test_a_job_that_raises_leaves_neither(store: DiffStore, log: LogStore) -> None:
    def job(transaction: Transaction) -> None:
        recorded(1)(transaction)
        raise RuntimeError("after both")

    with pytest.raises(RuntimeError):
        await store.write("acme", job)
    assert await log.list_entries("acme", 0, 10) == []
    assert await ids(store, ANY) == []
    # and the next one takes the place that was not used
    assert (await store.write("acme", recorded(2))).log_index == 0


async def test_jobs_that_raise_do_not_harm_those_beside_them(
    store: DiffStore, log: LogStore
) -> None:
    def failing(transaction: Transaction) -> None:
        recorded(1000)(transaction)
        raise RuntimeError

    jobs = [store.write("acme", recorded(n)) for n in range(20)]
    bad = [store.write("acme", failing) for _ in range(20)]
    mixed = [job for pair in zip(jobs, bad, strict=True) for job in pair]
    results = await asyncio.gather(*mixed, return_exceptions=True)
    good = [r for r in results if isinstance(r, StoredEvent)]
    assert sorted(r.log_index for r in good) == list(range(20))
    entries = await log.list_entries("acme", 0, 100)
    for stored in good:
        body = entries[stored.log_index].body
        assert body is not None
        assert stored.event.event_id.encode() in body


async def test_an_answer_is_kept_for_its_request_alone(store: DiffStore) -> None:
    request = Answered("req", b"one")
    await store.write("acme", lambda t: t.keep_answer(request, RememberedAnswer(b"answer"), NOW))
    assert await store.read("acme", lambda t: t.answer(request)) == RememberedAnswer(b"answer")
    with pytest.raises(Conflict):
        await store.read("acme", lambda t: t.answer(Answered("req", b"two")))
    assert await store.read("other", lambda t: t.answer(Answered("req", b"two"))) is None
    nameless = Answered("", b"")
    await store.write("acme", lambda t: t.keep_answer(nameless, RememberedAnswer(b"a"), NOW))
    assert await store.read("acme", lambda t: t.answer(nameless)) is None


async def test_versions_stay_and_the_newest_is_the_template(store: DiffStore) -> None:
    first = template("order", "Buy")
    second = next_version(first, {"metadata": {"owner": "shop"}})
    one = await store.write("acme", lambda t: t.put_template(first, NOW, "etag_1"))
    two = await store.write("acme", lambda t: t.put_template(second, NOW + 1, "etag_2"))
    assert two.position > one.position
    for name in ("tpl_1", "order"):
        assert await store.read("acme", lambda t, n=name: t.template(n)) == two  # type: ignore[misc]
    assert await store.read("acme", lambda t: t.template("tpl_1", 1)) == one
    with pytest.raises(NotFound):
        await store.read("acme", lambda t: t.template("tpl_1", 3))
    with pytest.raises(Conflict):
        await store.write("acme", lambda t: t.put_template(second, NOW, "etag_3"))
    assert await store.read("acme", lambda t: t.template("tpl_1")) == two
    assert await store.read("acme", lambda t: t.find_screen("order")) == two


async def test_a_deleted_template_is_found_by_its_id_alone(store: DiffStore) -> None:
    first = template("order", "Buy")
    gone = next_version(first, {})
    await store.write("acme", lambda t: t.put_template(first, NOW, "e1"))
    await store.write("acme", lambda t: t.put_template(gone, NOW, "e2", deleted=True))
    assert (await store.read("acme", lambda t: t.template("tpl_1"))).deleted
    with pytest.raises(NotFound):
        await store.read("acme", lambda t: t.template("order"))
    assert await store.read("acme", lambda t: t.find_screen("order")) is None
    assert await store.read("acme", lambda t: t.templates("", 10, "")) == []
    again = template("order", "Buy", template_id="tpl_2")
    made = await store.write("acme", lambda t: t.put_template(again, NOW, "e3"))
    assert await store.read("acme", lambda t: t.template("order")) == made


async def test_followers_see_each_change_once_in_order(store: DiffStore) -> None:
    first = template("order", "Buy")
    other = template("cart", "Sell", template_id="tpl_2")
    await store.write("acme", lambda t: t.put_template(first, NOW, "e1"))
    await store.write("acme", lambda t: t.put_template(other, NOW, "e2"))
    seen = await store.read("acme", lambda t: t.template_changes(0, 10))
    assert [s.screen_id for s in seen] == ["order", "cart"]
    last = seen[-1].position
    assert await store.read("acme", lambda t: t.template_changes(last, 10)) == []
    gone = next_version(first, {})
    await store.write("acme", lambda t: t.put_template(gone, NOW, "e3", deleted=True))
    changes = await store.read("acme", lambda t: t.template_changes(last, 10))
    assert [(s.version, s.deleted) for s in changes] == [(2, True)]
    # who starts late hears of what there is now only
    late = await store.read("acme", lambda t: t.template_changes(0, 10))
    assert [(s.template_id, s.deleted) for s in late] == [
        ("tpl_2", False),
        ("tpl_1", True),
    ]
    first_of_late = await store.read("acme", lambda t: t.template_changes(0, 1))
    assert [s.template_id for s in first_of_late] == ["tpl_2"]
    assert late[0].unpacked() == other


_TENANTS = itertools.count()


@settings(max_examples=10, suppress_health_check=UNHURRIED)
@given(st.sets(st.text("abAB é", min_size=1, max_size=3), max_size=8), st.integers(1, 4))
async def test_template_pages_equal_the_listing(
    store: DiffStore, screens: set[str], size: int
) -> None:
    tenant = f"t{next(_TENANTS)}"
    for n, screen in enumerate(sorted(screens)):
        made = template(screen, "Buy", template_id=f"tpl_{n}")
        await store.write(tenant, lambda t, m=made: t.put_template(m, NOW, "e"))  # type: ignore[misc]
    paged: list[str] = []
    after = ""
    while page := await store.read(tenant, lambda t: t.templates(after, size, "")):  # noqa: B023
        paged += [listed.screen_id for listed in page]
        assert all(listed.stored().template.tree is None for listed in page)  # a list is small
        after = paged[-1]
    assert len(paged) == len(screens)
    assert set(paged) == screens


@settings(max_examples=10, suppress_health_check=UNHURRIED)
@given(
    st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from(list(Severity))), max_size=12),
    st.integers(1, 5),
    st.builds(
        EventFilter,
        screen_id=st.sampled_from(["", "x"]),
        min_severity=st.integers(0, 2),
        state=st.sampled_from(["", "open", "approve"]),
    ),
)
async def test_event_pages_equal_the_listing(
    store: DiffStore, rows: list[tuple[str, Severity]], size: int, chosen: EventFilter
) -> None:
    tenant = f"t{next(_TENANTS)}"
    for n, (screen, severity) in enumerate(rows):
        await store.write(tenant, recorded(n, screen_id=screen, severity=severity))
    paged: list[StoredEvent] = []
    before: int | None = None
    while page := await store.read(tenant, lambda t: t.events(before, size, chosen)):  # noqa: B023
        paged += page
        before = paged[-1].position
    wanted = [
        f"evt_{n}"
        for n, (screen, severity) in enumerate(rows)
        if chosen.screen_id in ("", screen)
        and severity.rank >= chosen.min_severity
        and chosen.state in ("", "open")
    ]
    assert [stored.event.event_id for stored in paged] == wanted[::-1]


async def test_a_watcher_loses_and_repeats_nothing_while_events_happen(store: DiffStore) -> None:
    writers = asyncio.gather(*(store.write("acme", recorded(n)) for n in range(60)))
    seen: list[str] = []
    position = 0
    while len(seen) < 60:
        for stored in await store.read("acme", lambda t: t.events_after(position, 7)):  # noqa: B023
            assert stored.position > position
            position = stored.position
            seen.append(stored.event.event_id)
    await writers
    assert len(set(seen)) == 60
    assert await store.read("acme", lambda t: t.last_event()) == position


async def test_an_events_state_is_that_of_the_latest_decision_that_holds(store: DiffStore) -> None:
    await store.write("acme", recorded(1))
    approved, snoozed = DecisionKind.APPROVE, DecisionKind.SNOOZE
    states = {word: EventFilter(state=word, now=NOW) for word in ("open", "approve", "snooze")}
    assert await ids(store, states["open"]) == ["evt_1"]
    await store.write("acme", decided(1, 1, approved))
    await store.write("acme", decided(1, 2, snoozed, expire_time=NOW + 10))
    assert await ids(store, states["snooze"]) == ["evt_1"]
    assert await ids(store, states["approve"]) == await ids(store, states["open"]) == []
    stored = await store.read("acme", lambda t: t.event("evt_1"))
    later = [stored.holding(NOW), stored.holding(NOW + 10)]
    assert [d.kind for d in later if d] == [snoozed, approved]
    assert await ids(store, EventFilter(state="approve", now=NOW + 10)) == ["evt_1"]


async def test_a_decision_is_one_about_every_alike_event_of_its_screen(store: DiffStore) -> None:
    for number in (1, 2, 3):
        await store.write("acme", recorded(number, fingerprint="f" * 64))
    await store.write("acme", recorded(4, fingerprint="f" * 64, screen_id="cart"))
    await store.write("acme", recorded(5))
    await store.write("other", recorded(6, fingerprint="f" * 64))
    await store.write("acme", decided(2, 1, DecisionKind.APPROVE))
    assert await ids(store, EventFilter(state="approve", now=NOW)) == ["evt_3", "evt_2", "evt_1"]
    assert await ids(store, EventFilter(state="open", now=NOW), "other") == ["evt_6"]
    alike = await store.read("acme", lambda t: t.event("evt_3"))
    assert alike.decision is not None
    assert alike.decision.decision_id == "dec_1"
    # the next check goes by the one that was taken, once
    _, found = await store.read("acme", lambda t: t.decisions_after(0))
    assert found == [decision(1, DecisionKind.APPROVE)]


async def test_a_snooze_that_is_over_reopens_by_itself(store: DiffStore) -> None:
    await store.write("acme", recorded(1))
    await store.write("acme", decided(1, 1, DecisionKind.SNOOZE, expire_time=NOW + 10))
    assert await ids(store, EventFilter(state="open", now=NOW + 9)) == []
    assert await ids(store, EventFilter(state="open", now=NOW + 10)) == ["evt_1"]
    stored = await store.read("acme", lambda t: t.event("evt_1"))
    assert stored.holding(NOW + 10) is None


async def test_decisions_are_followed_from_where_one_was(store: DiffStore) -> None:
    await store.write("acme", recorded(1))
    assert await store.read("acme", lambda t: t.decisions_after(0)) == (0, [])
    await store.write("acme", decided(1, 1, DecisionKind.REJECT))
    last, found = await store.read("acme", lambda t: t.decisions_after(0))
    assert found == [decision(1, DecisionKind.REJECT)]
    assert await store.read("acme", lambda t: t.decisions_after(last)) == (last, [])


async def test_the_summary_adds_up_days_and_leaves_out_others(store: DiffStore) -> None:
    today, yesterday = "2024-10-04", "2024-10-03"
    counts = {(today, "unchanged"): 2, (yesterday, "drift"): 1}
    await store.write("acme", lambda t: t.count_verdicts(counts))
    await store.write("acme", lambda t: t.count_verdicts({(today, "unchanged"): 3}))
    await store.write("acme", recorded(1, severity=Severity.CRITICAL))
    await store.write("acme", recorded(2, time=NOW - DAY))
    await store.write("acme", recorded(3, time=NOW - 2 * DAY))
    await store.write("other", recorded(9))
    await store.write("other", lambda t: t.count_verdicts({(today, "unchanged"): 100}))
    await store.write("acme", decided(2, 1, DecisionKind.APPROVE))
    found = await store.read("acme", lambda t: t.summary(yesterday, today, NOW))
    assert set(found.verdicts) == {(today, "unchanged", 5), (yesterday, "drift", 1)}
    assert set(found.events) == {(today, 2, 1), (yesterday, 1, 1)}
    assert found.open_events == 2


WALKS: dict[str, Callable[[Transaction], object]] = {
    "template": lambda t: t.template("tpl_1"),
    "template by screen": lambda t: t.template("order"),
    "template version": lambda t: t.template("tpl_1", 1),
    "event": lambda t: t.event("evt_1"),
}


@pytest.mark.parametrize("name", WALKS)
async def test_what_another_tenant_has_is_not_found(store: DiffStore, name: str) -> None:
    messages = []
    for filled in (False, True):
        with pytest.raises(NotFound) as caught:
            await store.read("other", WALKS[name])
        messages.append(caught.value.message)
        if not filled:
            await store.write("acme", recorded(1))
            await store.write("acme", lambda t: t.put_template(template("order", "B"), NOW, "e"))
            await store.read("acme", WALKS[name])
    assert messages[0] == messages[1]


async def test_no_listing_shows_another_tenants_rows(store: DiffStore) -> None:
    await store.write("acme", recorded(1))
    await store.write("acme", decided(1, 1, DecisionKind.APPROVE))
    await store.write("acme", lambda t: t.put_template(template("order", "Buy"), NOW, "e"))
    for walk in (
        lambda t: t.templates("", 10, ""),
        lambda t: t.template_changes(0, 10),
        lambda t: t.events(None, 10, ANY),
        lambda t: t.events_after(0, 10),
        lambda t: t.decisions_after(0)[1],
    ):
        assert await store.read("other", walk) == []
        assert await store.read("acme", walk)
    assert await store.read("other", lambda t: t.find_screen("order")) is None
    assert await store.read("other", lambda t: t.last_event()) == 0
    # a decision of another tenant about an event of the same id is not this one's
    await store.write("other", recorded(1))
    assert not (await store.read("other", lambda t: t.event("evt_1"))).decision
    # and a version of another tenant does not supersede this one's
    await store.write("other", lambda t: t.put_template(template("order", "B"), NOW, "e"))
    assert await store.read("acme", lambda t: t.find_screen("order")) is not None


async def test_answers_are_kept_for_a_week_and_then_forgotten(store: DiffStore) -> None:
    def answered(number: int) -> Answered:
        return Answered(f"req_{number}", bytes([number]))

    async def keep(number: int, day: int) -> None:
        time = NOW + day * DAY
        await store.write(
            "acme", lambda t: t.keep_answer(answered(number), RememberedAnswer(b"a"), time)
        )

    async def kept() -> list[int]:
        found = await store.read("acme", lambda t: [t.answer(answered(n)) for n in range(40)])
        return [number for number, answer in enumerate(found) if answer is not None]

    for number in range(6):
        await keep(number, day=0)
    await keep(6, day=7)
    assert await kept() == [0, 1, 2, 3, 4, 5, 6]
    for number in range(7, 7 + FORGET_EVERY):
        await keep(number, day=8)
    assert await kept() == list(range(6, 7 + FORGET_EVERY))
