"""What the benchmarks measure with: captures of an exact size, the same each time."""

import json
from typing import Any

import pytest

from benchmarks._trees import cdp_capture


def document_order(nodes: list[dict[str, Any]]) -> list[str]:
    children = {node["nodeId"]: node["childIds"] for node in nodes}
    order, pending = [], [nodes[0]["nodeId"]]
    while pending:
        node = pending.pop()
        order.append(node)
        pending.extend(reversed(children[node]))
    return order


def words(ax: bytes) -> list[tuple[str, str]]:
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in json.loads(ax)["nodes"]
    ]


@pytest.mark.parametrize("size", [1, 100, 1_000, 10_000])
def test_a_capture_is_a_tree_of_exactly_the_size_asked_for(size: int) -> None:
    made = cdp_capture(size, run=0)
    nodes = json.loads(made.ax)["nodes"]
    assert made.nodes == len(nodes) == size
    assert document_order(nodes) == [node["nodeId"] for node in nodes]


def test_runs_differ_in_every_id_and_in_nothing_else() -> None:
    first, second = cdp_capture(1_000, run=0), cdp_capture(1_000, run=1)
    ids = [{node["nodeId"] for node in json.loads(made.ax)["nodes"]} for made in (first, second)]
    assert not ids[0] & ids[1]
    assert words(first.ax) == words(second.ax)
    assert cdp_capture(1_000, run=1) == second


def test_boxes_join_whatever_the_run() -> None:
    made = cdp_capture(1_000, run=12)
    backend_ids = {str(node["backendDOMNodeId"]) for node in json.loads(made.ax)["nodes"]}
    assert len(json.loads(made.dom)) > 500
    assert json.loads(made.dom).keys() <= backend_ids


def test_edits_change_about_the_share_asked_for_and_leave_a_tree() -> None:
    plain, edited = words(cdp_capture(1_000, run=0).ax), cdp_capture(1_000, run=3, edits=0.02)
    nodes = json.loads(edited.ax)["nodes"]
    assert document_order(nodes) == [node["nodeId"] for node in nodes]
    changed = set(words(edited.ax)) ^ set(plain)
    assert 20 <= len(changed) <= 100
    assert words(cdp_capture(1_000, run=4, edits=0.02).ax) != words(edited.ax)


def test_screens_differ_in_text_and_in_what_is_there() -> None:
    roles = {tuple(role for role, _ in words(cdp_capture(400, run=0, screen=s).ax)) for s in (0, 1)}
    names = [{name for _, name in words(cdp_capture(400, run=0, screen=s).ax)} for s in (1, 2)]
    assert len(roles) == 2
    assert names[0] & names[1] <= {""}


@pytest.mark.parametrize("size", [0, 1_000_000])
def test_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="nodes"):
        cdp_capture(size, run=0)
