"""Rows of data from one capture: what in them is data, and what is the screen.

The mutations are made to recorded captures: whatever is changed outside rows of data, or in the
shape of a row, is drift; rows that come, go, move or read otherwise are not.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_core.drift import Verdict
from systemzero_core.formats import parse
from systemzero_core.normalize import normalize
from systemzero_core.template import MatchLevel, Policy, Rule, Selector, Template, learn
from systemzero_core.template.live import live_fields
from systemzero_core.template.tables import data_tables
from systemzero_core.tree import Node, Tree
from tests.support.captures import capture
from tests.support.trees import Item, item, judged, template, tree

RECORDED = (
    ("stock-admin", "4.2.16", "3-list"),
    ("parcel-console", "4.15.5", "1-console"),
)


def line(name: str, price: str, *, checked: bool = False, more: tuple[Item, ...] = ()) -> Item:
    box = item("checkbox", f"Select {name}", states=("checked",) if checked else ())
    return item(
        "row",
        "",
        item("cell", "", box),
        item("cell", name, item("link", name, attributes=(("url", f"/things/{name}"),))),
        item("cell", price),
        item("cell", "Edit", item("button", "Edit")),
        *more,
    )


def table(*lines: Item, columns: tuple[str, ...] = ("", "Name", "Price", "Do")) -> Tree:
    header = item("row", "", *(item("columnheader", name) for name in columns))
    return tree(item("heading", "Things"), item("table", "", header, *lines), item("text", "End"))


def verdict(known: Template, capture: Tree) -> Verdict:
    return judged(known, capture).verdict


def learnt(baseline: Tree, policy: Policy | None = None) -> Template:
    learned = learn([baseline], policy or Policy())
    return template(learned.tree, *learned.policy.rules)


PAN, CUP, POT = line("Pan", "$9"), line("Cup", "$4"), line("Pot", "$7")


@pytest.mark.parametrize(
    "rows",
    [
        (CUP, PAN),
        (PAN,),
        (PAN, CUP, POT, line("Rake", "$20")),
        (line("Hose", "€5"), line("Can", "€6")),
    ],
)
def test_rows_come_go_move_and_read_otherwise(rows: tuple[Item, ...]) -> None:
    assert verdict(learnt(table(PAN, CUP)), table(*rows)) is Verdict.UNCHANGED


@pytest.mark.parametrize(
    "changed",
    [
        table(PAN, CUP, columns=("", "Name", "Cost", "Do")),
        table(PAN, CUP, columns=("", "Name", "Price")),
        table(line("Pan", "$9", checked=True), CUP),
        table(line("Pan", "$9", more=(item("cell", "New"),)), CUP),
        table(PAN, line("Cup", "$4", more=(item("cell", "", item("button", "Buy")),))),
        table(PAN, CUP, line("Pot", "$7", more=(item("cell", "", item("switch", "Hidden")),))),
    ],
)
def test_the_shape_of_a_row_is_the_screen(changed: Tree) -> None:
    assert verdict(learnt(table(PAN, CUP)), changed) is Verdict.DRIFT


def test_a_lost_header_is_drift() -> None:
    bare = tree(item("heading", "Things"), item("table", "", PAN, CUP), item("text", "End"))
    assert verdict(learnt(table(PAN, CUP)), bare) is Verdict.DRIFT


def test_a_table_without_a_header_or_with_fields_is_no_data() -> None:
    def bill(total: str) -> Tree:
        return tree(item("table", "", item("row", "", item("cell", "Total"), item("cell", total))))

    def form(limit: str) -> Tree:
        field = item("row", "", item("cell", "", item("textbox", f"Limit {limit}")))
        header = item("row", "", item("columnheader", "Limit"))
        return tree(item("table", "", header, field, field))

    assert verdict(learnt(bill("$12")), bill("$13")) is Verdict.DRIFT
    assert verdict(learnt(form("a")), form("b")) is Verdict.DRIFT


def test_a_policy_that_holds_a_table_strict_is_kept() -> None:
    strict = Policy(rules=(Rule(Selector(role="table"), level=MatchLevel.STRICT),))
    assert verdict(learnt(table(PAN, CUP), strict), table(PAN, POT)) is Verdict.DRIFT


@cache
def recorded(name: tuple[str, str, str]) -> tuple[Template, frozenset[int]]:
    """The template of a recorded capture, and its nodes that stand in rows of data."""
    files = capture(*name)
    baseline = normalize(parse(files.ax, dom=files.dom, frames=files.frames).tree)
    rows = [row for found in data_tables(baseline) for row in found.rows]
    inside = {i for row in rows for i in range(row, baseline.ends[row])}
    return learnt(baseline), frozenset(inside)


def with_node(baseline: Tree, index: int, **changes: object) -> Tree:
    nodes = list(baseline.nodes)
    old = nodes[index]
    fields = {
        "role": old.role,
        "name": old.name,
        "value": old.value,
        "states": old.states,
        "bounds": old.bounds,
        "attributes": old.attributes,
    }
    nodes[index] = Node(**{**fields, **changes})  # type: ignore[arg-type]
    return Tree(nodes, baseline.parents)


@settings(max_examples=60)
@given(st.sampled_from(RECORDED), st.data())
def test_whatever_changes_outside_rows_of_data_is_drift(
    name: tuple[str, str, str], data: st.DataObject
) -> None:
    known, inside = recorded(name)
    baseline = known.tree
    assert baseline is not None
    places = [i for i in range(1, len(baseline)) if i not in inside and baseline.nodes[i].name]
    index = data.draw(st.sampled_from(places))
    node = baseline.nodes[index]
    if list(live_fields(node)):
        return
    url = node.attribute("url")
    changes: list[dict[str, object]] = [
        {"name": f"{node.name} and more"},
        {"states": () if "disabled" in node.states else (*node.states, "disabled")},
    ]
    if url:
        kept = [pair for pair in node.attributes if pair[0] != "url"]
        changes.append({"attributes": (*kept, ("url", f"{url}/elsewhere"))})
    for change in changes:
        assert verdict(known, with_node(baseline, index, **change)) is Verdict.DRIFT


def test_a_recorded_list_has_rows_of_data() -> None:
    known, inside = recorded(RECORDED[0])
    assert known.tree is not None
    assert inside
    texts = [i for i in inside if known.tree.nodes[i].role == "text"]
    links = [i for i in inside if known.tree.nodes[i].role == "link"]
    for i in (*texts, *links):
        changed = with_node(known.tree, i, name="Anything else")
        assert verdict(known, changed) is Verdict.UNCHANGED
