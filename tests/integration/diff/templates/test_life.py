"""A template's life: learnt with reasons, edited, refined, approved onward; its policy stays."""

from __future__ import annotations

import json
from typing import Any

from systemzero.diff.v1 import template_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero_core.intake import take_in_tree
from systemzero_core.template import MatchLevel, Policy, Rule, Selector
from systemzero_core.tree import Tree
from tests.support.checks import (
    DRIFT,
    UNCHANGED,
    check,
    decide,
    ingest,
    learn,
    log_entries,
    put,
    sentences,
)
from tests.support.services import House
from tests.support.trees import Item, item, tree

ADS = Selector(role="complementary", name="Ads")
POLICY = Policy(
    rules=(
        Rule(ADS, level=MatchLevel.IGNORE),
        Rule(Selector(role="text", name="Updated {time}"), name="Updated {time}"),
    )
)


def orders(time: str = "10:05", ad: str = "Buy two", *more: Item, rows: int = 3) -> Tree:
    """A screen with a clock, an advertisement and a list."""
    shown = tree(
        item("heading", "Orders", attributes=(("level", "1"),)),
        item("textbox", "Search orders"),
        item("text", f"Updated {time}"),
        item("list", "All", *(item("listitem", "", item("text", f"No. {n}")) for n in range(rows))),
        item("complementary", "Ads", item("link", ad)),
        *more,
        item("button", "New order"),
    )
    return take_in_tree(shown).tree


LATER = orders("11:40", "Buy three")
"""The same screen, but for what its policy lets pass."""


async def policy_of(house: House) -> tuple[int, template_pb2.TemplatePolicy]:
    """The newest version's number and policy."""
    request = template_pb.GetTemplateRequest(template_id="orders")
    found = (await house.templates().GetTemplate(request)).template
    return found.version, found.policy


async def entries(house: House) -> list[dict[str, Any]]:
    """What the log says, oldest first, with the kind and time of each entry."""
    return [
        {**json.loads(e.body), "kind_of_entry": e.kind, "time": e.create_time.ToMicroseconds()}
        for e in await log_entries(house)
    ]


async def test_policy_survives_every_update_and_approval(house: House) -> None:
    await put(house, "orders", orders(), POLICY)
    version, policy = await policy_of(house)
    assert (version, len(policy.rules)) == (1, 2)
    assert (await check(house, LATER, "orders")).kind == UNCHANGED

    update = template_pb.UpdateTemplateRequest()
    update.template.template_id = (await check(house, LATER, "orders")).match.template_id
    update.template.metadata["owner"] = "shop"
    update.update_mask.paths.append("metadata")
    await house.templates().UpdateTemplate(update)
    assert await policy_of(house) == (2, policy)

    new = orders("12:00", "Buy four", item("button", "Export"))
    drift = await ingest(house, new, "orders")
    assert sentences(drift) == ["button “Export” added to document “Shop”"]
    assert (await decide(house, "approve", drift.event_id)).template.version == 3
    assert await policy_of(house) == (3, policy)
    assert (await check(house, orders("13:00", "", item("button", "Export")), "orders")).kind == (
        UNCHANGED
    )

    await learn(house, "orders", orders("14:00", "Buy five", item("button", "Export"), rows=5))
    refined, more = await policy_of(house)
    assert refined == 4
    assert all(rule in more.rules for rule in policy.rules)
    assert len(more.rules) > len(policy.rules)  # and rows may come and go now
    assert (
        await check(house, orders("15:00", "", item("button", "Export"), rows=4), "orders")
    ).kind == UNCHANGED


async def test_an_approval_tells_the_log_who_when_and_why(house: House) -> None:
    await put(house, "orders", orders(), POLICY)
    new = orders("12:00", "Buy four", item("button", "Export"))
    drift = await ingest(house, new, "orders")
    house.clock.now += 3_600_000_000
    await decide(house, "approve", drift.event_id, reason="release 7")
    decided, version = (await entries(house))[-2:]
    assert decided["kind_of_entry"] == "drift.decision"
    assert (decided["kind"], decided["event_id"]) == ("approve", drift.event_id)
    assert version["kind_of_entry"] == "template.version"
    assert (version["screen_id"], version["version"]) == ("orders", 2)
    for entry in (decided, version):
        assert entry["actor"] == "key_1"
        assert entry["reason"] == "release 7"
        assert entry["time"] == house.clock.now


async def test_what_was_learnt_says_why_and_can_be_edited_as_yaml(house: House) -> None:
    learnt = await learn(house, "orders", orders(), LATER)
    reasons = {i.sentence: (i.support, i.total) for i in learnt.inferences}
    assert any("Updated {time}" in sentence for sentence in reasons)
    assert set(reasons.values()) == {(2, 2)}
    assert (await check(house, orders("16:20", "Buy three"), "orders")).kind == UNCHANGED

    export = template_pb.ExportTemplateRequest(template_id="orders")
    yaml = (await house.templates().ExportTemplate(export)).yaml.decode()
    assert "(2 of 2 captures)" in yaml
    edited = yaml.replace("name: Updated {time}", "name: Updated 11:40", 2)
    assert edited != yaml
    again = await house.templates().ImportTemplate(
        template_pb.ImportTemplateRequest(yaml=edited.encode())
    )
    assert again.template.version == learnt.version + 1
    assert (await check(house, LATER, "orders")).kind == UNCHANGED
    clock = await check(house, orders("16:20", "Buy three"), "orders")
    assert clock.kind == DRIFT
    assert sentences(clock) == ["text “Updated 11:40” changed to “Updated 16:20”"]
