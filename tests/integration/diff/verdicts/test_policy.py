"""Every point of a template's policy over the real Check call, from the YAML to the log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import verdict_pb2
from systemzero_core.template import MatchLevel, Order, Policy, Rows, Rule, Scope, Selector
from systemzero_core.tree import Bounds, Tree
from tests.support.checks import DRIFT, UNCHANGED, check, events, log_entries, put, sentences
from tests.support.services import House
from tests.support.trees import Item, item, tree

PANEL = Selector(role="region", name="Panel")


def page(*panel: Item, rest: tuple[Item, ...] = ()) -> Tree:
    """A screen with a panel, and enough around it to be recognised by."""
    return tree(
        item("heading", "Orders", attributes=(("level", "1"),)),
        item("button", "New order"),
        item("textbox", "Search orders"),
        item("region", "Panel", *panel),
        *rest,
        item("contentinfo", "Imprint", item("link", "Terms"), item("link", "Privacy")),
    )


def button(name: str, **fields: Any) -> Item:
    return item("button", name, **fields)


SAVE = button("Save", bounds=Bounds(0, 0, 80, 30))
SEND = button("Send", bounds=Bounds(90, 0, 80, 30))
NOTE = item("text", "Draft of Monday", bounds=Bounds(0, 40, 300, 20))
BASE = (SAVE, SEND, NOTE)
CHANGES = {
    "name": (SAVE, SEND, item("text", "Draft of Mondays", bounds=NOTE.node.bounds)),
    "states": (button("Save", bounds=SAVE.node.bounds, states=("disabled",)), SEND, NOTE),
    "attribute": (
        button("Save", bounds=SAVE.node.bounds, attributes=(("keyshortcuts", "Alt+S"),)),
        SEND,
        NOTE,
    ),
    "role": (item("link", "Save", bounds=SAVE.node.bounds), SEND, NOTE),
    "order": (SEND, SAVE, NOTE),
    "box": (button("Save", bounds=Bounds(400, 0, 80, 30)), SEND, NOTE),
    "insert": (*BASE, button("Delete all", bounds=Bounds(180, 0, 80, 30))),
    "delete": (SAVE, NOTE),
}
PASSED = {
    MatchLevel.STRICT: set[str](),
    MatchLevel.LAYOUT: {"name", "states", "attribute"},
    MatchLevel.CONTENT: {"attribute", "role", "order", "box"},
    MatchLevel.IGNORE: set(CHANGES),
}


@pytest.mark.parametrize("level", MatchLevel)
async def test_each_match_level_lets_pass_what_it_says(house: House, level: MatchLevel) -> None:
    await put(house, "orders", page(*BASE), Policy(rules=(Rule(PANEL, level=level),)))
    passed = set()
    for name, panel in CHANGES.items():
        verdict = await check(house, page(*panel), "orders")
        assert verdict.kind in (UNCHANGED, DRIFT)
        if verdict.kind == UNCHANGED:
            passed.add(name)
    assert passed == PASSED[level]


async def test_a_nearer_rule_holds_within_an_ignored_panel(house: House) -> None:
    strict = Selector(role="button", name="Send", under=(PANEL,))
    rules = (Rule(PANEL, level=MatchLevel.IGNORE), Rule(strict, level=MatchLevel.STRICT))
    await put(house, "orders", page(*BASE), Policy(rules=rules))
    disabled = button("Send", states=("disabled",), bounds=SEND.node.bounds)
    verdict = await check(house, page(disabled, item("text", "Gone to lunch")), "orders")
    assert verdict.kind == DRIFT
    assert len(verdict.script.edits) == 1
    assert "“Send”" in verdict.script.edits[0].sentence


WILDCARDS = [
    ("{number}", "-1.5", "1 234,5", "1.5 of"),
    ("{count} orders", "3 orders", "1,234 orders", "many orders"),
    ("{money}", "$9.99", "12 €", "free"),
    ("{date}", "2026-11-22", "Nov 23, 2026", "someday"),
    ("at {time}", "at 10:05", "at 3:04 pm", "at noon"),
    ("took {duration}", "took 7.4 ms", "took 2h 5m", "took ages"),
    (
        "{uuid}",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "7c9e6679-7425-40de-944b",
    ),
    ("{email}", "ann@example.org", "bob@example.com", "bob at example"),
    ("{url}", "https://example.org/a", "http://example.com/b?c=1", "example.org"),
    ("Signed in as {any}", "Signed in as Ann", "Signed in as Bob the 2nd", "Signed out of Bob"),
]


@pytest.mark.parametrize(("pattern", "was", "fits", "violates"), WILDCARDS)
async def test_a_wildcard_shows_only_when_its_type_is_violated(
    house: House, pattern: str, was: str, fits: str, violates: str
) -> None:
    rule = Rule(Selector(role="text", under=(PANEL,)), name=pattern)
    await put(house, "orders", page(SAVE, item("text", was)), Policy(rules=(rule,)))
    assert (await check(house, page(SAVE, item("text", fits)), "orders")).kind == UNCHANGED
    verdict = await check(house, page(SAVE, item("text", violates)), "orders")
    assert verdict.kind == DRIFT
    assert any(violates in sentence for sentence in sentences(verdict))


async def test_wildcards_hold_for_values_attributes_and_states(house: House) -> None:
    field = Rule(Selector(role="textbox", under=(PANEL,)), value="{date}")
    link = Rule(Selector(role="link", under=(PANEL,)), attributes={"url": "/orders/{count}"})
    box = Rule(Selector(role="checkbox"), attributes={"states": "{any}"})

    def seen(value: str, url: str, checked: str) -> Tree:
        return page(
            item("textbox", "Until", value=value),
            item("link", "Newest order", attributes=(("url", url),)),
            item("checkbox", "Remember", states=(checked,)),
        )

    await put(
        house,
        "orders",
        seen("2026-11-22", "/orders/7", "unchecked"),
        Policy(rules=(field, link, box)),
    )
    good = await check(house, seen("2026-11-23", "/orders/8", "checked"), "orders")
    assert good.kind == UNCHANGED
    bad = await check(house, seen("tomorrow", "/orders/new", "checked"), "orders")
    fields = {change.field for edit in bad.script.edits for change in edit.changes}
    assert fields == {"value", "attributes.url"}


async def test_children_in_any_order(house: House) -> None:
    unordered = Policy(rules=(Rule(PANEL, order=Order.UNORDERED),))
    await put(house, "orders", page(*BASE), unordered)
    assert (await check(house, page(NOTE, SEND, SAVE), "orders")).kind == UNCHANGED
    elsewhere = await check(house, page(SAVE, NOTE, rest=(SEND,)), "orders")
    assert elsewhere.kind == DRIFT  # out of the panel is not another order


async def test_an_optional_part_may_come_and_go(house: House) -> None:
    banner = item("alert", "Maintenance tonight", button("Dismiss"))
    rule = Rule(Selector(role="alert"), optional=True)
    for name, baseline in (("without", page(*BASE)), ("with", page(banner, *BASE))):
        await put(house, name, baseline, Policy(rules=(rule,)))
        assert (await check(house, page(banner, *BASE), name)).kind == UNCHANGED
        assert (await check(house, page(*BASE), name)).kind == UNCHANGED
        assert (await check(house, page(SAVE, NOTE), name)).kind == DRIFT


async def test_an_optional_wrapper_may_come_and_go_alone(house: House) -> None:
    rule = Rule(Selector(role="group", name="Tools"), optional=True, scope=Scope.NODE)
    await put(house, "orders", page(*BASE), Policy(rules=(rule,)))
    wrapped = page(item("group", "Tools", SAVE, SEND), NOTE)
    assert (await check(house, wrapped, "orders")).kind == UNCHANGED
    more = page(item("group", "Tools", SAVE, SEND, button("Delete all")), NOTE)
    verdict = await check(house, more, "orders")
    assert len(verdict.script.edits) == 1
    assert "Delete all" in sentences(verdict)[0]


def listed(count: int, *more: Item) -> Tree:
    rows = [item("listitem", f"Order {n}", item("link", f"Order {n}")) for n in range(1, count + 1)]
    return page(item("list", "Open orders", *rows, *more))


async def test_rows_may_repeat_within_their_bounds(house: House) -> None:
    select = Selector(role="listitem", under=(Selector(role="list", name="Open orders"),))
    rule = Rule(select, rows=Rows(2, 5), level=MatchLevel.LAYOUT)
    await put(house, "orders", listed(3), Policy(rules=(rule,)))
    kinds = [(await check(house, listed(count), "orders")).kind for count in range(1, 8)]
    assert kinds == [DRIFT, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, DRIFT, DRIFT]
    too_many = await check(house, listed(9), "orders")
    assert [f.code for f in too_many.findings if f.code == "row_count"] == ["row_count"]


async def test_a_row_with_a_control_of_another_kind_is_a_change(house: House) -> None:
    select = Selector(role="listitem", under=(Selector(role="list", name="Open orders"),))
    await put(house, "orders", listed(3), Policy(rules=(Rule(select, rows=Rows()),)))
    strange = item("listitem", "Order 4", item("link", "Order 4"), button("Pay at once"))
    verdict = await check(house, listed(3, strange), "orders")
    assert verdict.kind == DRIFT
    assert "Pay at once" in "".join(sentences(verdict)) or "Order 4" in "".join(sentences(verdict))


async def test_a_box_may_be_off_by_its_tolerance(house: House) -> None:
    wide = Rule(PANEL, box_tolerance=50)

    def at(left: int) -> Tree:
        return page(button("Save", bounds=Bounds(left, 0, 80, 30)), SEND, NOTE)

    await put(house, "orders", at(0), Policy(rules=(wide,)))
    assert (await check(house, at(50), "orders")).kind == UNCHANGED
    assert (await check(house, at(51), "orders")).kind == DRIFT


async def test_what_is_ignored_appears_nowhere(house: House) -> None:
    ads = Selector(role="region", name="Panel")
    await put(house, "quiet", page(*BASE), Policy(rules=(Rule(ads, level=MatchLevel.IGNORE),)))
    watch = house.drift().WatchEvents(drift_pb.WatchEventsRequest())
    await watch.read()
    real = (button("Pay now"),)
    plain = await check(house, page(*BASE, rest=real), "quiet")
    secret = page(
        item("text", "SECRETWORD"),
        button("SECRETWORD accept", states=("checked",)),
        rest=real,
    )
    noisy = await check(house, secret, "quiet")
    assert (plain.kind, noisy.kind) == (DRIFT, DRIFT)
    assert plain.event_id != noisy.event_id
    assert noisy.fingerprint == plain.fingerprint
    assert _scored(noisy) == _scored(plain)
    told = [noisy.SerializeToString(), *[(await watch.read()).SerializeToString() for _ in "ab"]]
    watch.cancel()
    told += [event.SerializeToString() for event in await events(house)]
    entries = await log_entries(house)
    told += [entry.body for entry in entries]
    assert any(json.loads(entry.body).get("event_id") == noisy.event_id for entry in entries)
    assert not any(b"SECRETWORD" in bytes(message) for message in told)
    assert (await check(house, page(item("text", "SECRETWORD")), "quiet")).kind == UNCHANGED


def _scored(verdict: verdict_pb2.Verdict) -> tuple[object, ...]:
    codes = [(f.code, f.sentence) for f in verdict.findings]
    weights = [round(edit.weight, 9) for edit in verdict.script.edits]
    return round(verdict.similarity, 9), verdict.severity, sentences(verdict), weights, codes
