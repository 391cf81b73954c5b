"""Fingerprints, groups and decisions by scope over the Check call."""

from __future__ import annotations

import pytest

from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero.diff.v1 import verdict_pb2
from systemzero_core.tree import Tree
from tests.support.checks import (
    DRIFT,
    UNCHANGED,
    check,
    decide,
    event,
    events,
    groups,
    ingest,
    put,
    sentences,
)
from tests.support.services import House
from tests.support.stores import DAY, NOW
from tests.support.trees import Item, item, tree

SHOP = ("orders", "reports")
APPS = dict.fromkeys(SHOP, "shop") | {"wiki": "intranet"}
NODE, SUBTREE, SCREEN, APP, TENANT = (
    pb.DECISION_SCOPE_NODE,
    pb.DECISION_SCOPE_SUBTREE,
    pb.DECISION_SCOPE_SCREEN,
    pb.DECISION_SCOPE_APP,
    pb.DECISION_SCOPE_TENANT,
)
NEW = item("button", "Ask the assistant")


def page(
    name: str, *, top: Item | None = None, side: Item | None = None, banner: Item | None = None
) -> Tree:
    """A screen with a banner of two parts, a side panel and what it is known by."""
    left = (top,) if top else ()
    below = (side,) if side else ()
    beside = (banner,) if banner else ()
    return tree(
        item("heading", f"{name} heading", attributes=(("level", "1"),)),
        item("region", "Banner", item("group", "Left", *left), item("group", "Right"), *beside),
        item("region", "Side", item("text", f"All about {name}"), *below),
        *(item("link", f"{name} {number}") for number in range(5)),
    )


@pytest.fixture
async def house(house: House) -> House:
    for name, app in APPS.items():
        await put(house, name, page(name), app=app)
    return house


async def drifted(house: House, name: str, **parts: Item) -> verdict_pb2.Verdict:
    verdict = await check(house, page(name, **parts), name)
    assert verdict.kind == DRIFT
    return verdict


async def approve(
    house: House, verdict: verdict_pb2.Verdict, scope: pb.DecisionScope.ValueType
) -> str:
    answer = await decide(house, "approve until", verdict.event_id, scope=scope)
    return str(answer.event.decision.decision_id)


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (NODE, {"same place"}),
        (SUBTREE, {"same place"}),
        (SCREEN, {"same place"}),
        (APP, {"same place", "another screen"}),
        (TENANT, {"same place", "another screen", "another app"}),
    ],
)
async def test_an_approval_reaches_as_far_as_its_scope_and_as_long(
    house: House, scope: pb.DecisionScope.ValueType, covered: set[str]
) -> None:
    seen = {
        "same place": ("orders", page("orders", top=NEW)),
        "elsewhere on the screen": ("orders", page("orders", side=NEW)),
        "another screen": ("reports", page("reports", top=NEW)),
        "another app": ("wiki", page("wiki", top=NEW)),
    }
    decision = await approve(house, await drifted(house, "orders", top=NEW), scope)

    async def unchanged() -> set[str]:
        verdicts = {where: await check(house, tree, name) for where, (name, tree) in seen.items()}
        quiet = {where for where, verdict in verdicts.items() if verdict.kind == UNCHANGED}
        assert all(list(verdicts[where].decision_ids) == [decision] for where in quiet)
        return quiet

    assert await unchanged() == covered
    house.clock.now += DAY
    assert await unchanged() == set()


@pytest.mark.parametrize("scope", [NODE, SUBTREE, SCREEN, APP, TENANT])
async def test_an_equal_change_below_the_same_parent_was_not_approved(
    house: House, scope: pb.DecisionScope.ValueType
) -> None:
    verdict = await drifted(house, "orders", banner=NEW)
    await approve(house, verdict, scope)
    deeper = page("orders", top=NEW)  # in a group of the same banner
    assert (await check(house, deeper, "orders")).kind == DRIFT


async def test_equal_changes_on_screens_and_days_are_one_group(house: House) -> None:
    await drifted(house, "orders", top=NEW)
    house.clock.now += DAY
    await drifted(house, "reports", side=NEW)
    last = await drifted(house, "wiki", top=NEW)
    other = await drifted(house, "wiki", side=item("text", "Out of order"))
    first, second = await groups(house)
    assert (first.fingerprint, first.events, first.open_events) == (last.fingerprint, 3, 3)
    assert (list(first.screen_ids), first.screens) == (["orders", "reports", "wiki"], 3)
    assert first.first_time.ToMicroseconds() == NOW
    assert first.last_time.ToMicroseconds() == NOW + DAY
    assert first.last_event_id == last.event_id
    assert list(first.sentences) == sentences(last)
    assert (second.fingerprint, second.events) == (other.fingerprint, 1)
    assert len(await events(house, fingerprint=first.fingerprint)) == 3


async def test_a_group_that_another_version_shows_is_the_same_group(house: House) -> None:
    await drifted(house, "orders", top=NEW)
    renamed = page("orders", side=item("text", "Since version 2"))
    assert (await put(house, "orders", renamed, app="shop")).version == 2
    verdict = await check(
        house, page("orders", top=NEW, side=item("text", "Since version 2")), "orders"
    )
    assert verdict.match.version == 2
    assert [(group.events, group.screens) for group in await groups(house)] == [(2, 1)]


async def test_what_was_approved_before_splits_no_group(house: House) -> None:
    notice = item("text", "Maintenance tonight")
    await approve(house, await drifted(house, "orders", side=notice), SCREEN)
    alone = await drifted(house, "reports", top=NEW)
    beside = await drifted(house, "orders", top=NEW, side=notice)
    assert beside.fingerprint == alone.fingerprint
    assert len(beside.script.edits) == 1
    # and the one that is beside something approved can be approved for good
    both = page("orders", top=NEW, side=notice)
    stored = await ingest(house, both, "orders")
    assert (await decide(house, "approve", stored.event_id)).template.version == 2
    assert (await check(house, both, "orders")).kind == UNCHANGED


async def test_a_decision_closes_every_event_of_its_group_within_its_scope(house: House) -> None:
    night = [await drifted(house, name, top=NEW) for name in ("orders", "reports", "wiki")]
    night.append(await drifted(house, "orders", top=NEW))
    other = await drifted(house, "orders", side=item("text", "Out of order"))

    async def open_events() -> set[str]:
        return {found.event_id for found in await events(house, state=pb.EVENT_STATE_OPEN)}

    orders, reports, wiki, again = (verdict.event_id for verdict in night)
    await approve(house, night[0], NODE)
    assert await open_events() == {reports, wiki, again, other.event_id}
    await approve(house, night[0], SCREEN)
    assert await open_events() == {reports, wiki, other.event_id}
    decision = await approve(house, night[3], APP)
    assert await open_events() == {wiki, other.event_id}
    found = await event(house, reports)
    assert found.state == pb.EVENT_STATE_APPROVED
    assert found.decision.decision_id == decision
    assert [group.open_events for group in await groups(house)] == [1, 1]
    house.clock.now += DAY  # the approvals are over: all of it is open again by itself
    assert await open_events() == {orders, reports, wiki, again, other.event_id}


async def test_a_rejection_is_remembered_where_it_reaches(house: House) -> None:
    first = await drifted(house, "orders", top=NEW)
    assert first.severity == verdict_pb2.SEVERITY_INFO
    await decide(house, "reject", first.event_id, scope=APP)
    house.clock.now += 400 * DAY
    assert (await drifted(house, "reports", top=NEW)).severity == verdict_pb2.SEVERITY_WARNING
    assert (await drifted(house, "wiki", top=NEW)).severity == verdict_pb2.SEVERITY_INFO
