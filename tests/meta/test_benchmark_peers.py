"""The peers' answers are read as they are meant: replayed on small trees with known results."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks._groundtruth import ground_truth
from benchmarks.peers.replay import outcome, replay_patch
from systemzero_core.tree import Node, Tree

WORKER = Path(__file__).parents[2] / "benchmarks" / "peers" / "worker.py"


def tree(*rows: tuple[str, int]) -> Tree:
    return Tree([Node("text", name) for name, _ in rows], [parent for _, parent in rows])


BEFORE = tree(("root", -1), ("a", 0), ("inner", 1), ("b", 0), ("c", 0))
"""root(a(inner), b, c)"""


def leaf(name: str) -> dict[str, Any]:
    return {"role": "text", "name": name, "value": "", "children": []}


def test_a_patch_is_replayed_with_every_node_s_origin() -> None:
    patch: list[dict[str, Any]] = [
        {"op": "move", "from": "/children/0", "path": "/children/2"},
        {"op": "replace", "path": "/children/0/name", "value": "B"},
        {"op": "remove", "path": "/children/1"},
        {"op": "add", "path": "/children/-", "value": leaf("new") | {"children": [leaf("x")]}},
    ]
    origins, moved = replay_patch(patch, BEFORE)
    assert origins == [0, 3, 1, 2, -1, -1]
    assert moved == [1]

    after = tree(("root", -1), ("B", 0), ("a", 0), ("inner", 2), ("new", 0), ("x", 4))
    found = outcome({"patch": patch}, BEFORE, after)
    assert found is not None
    assert found.mapping == [0, 2, 3, 1, -1]
    assert found.edits == {("move", 1), ("update", 3), ("delete", 4), ("insert", 4)}
    assert found.cost == 1 + 1 + 1 + 2


def test_a_patch_that_makes_another_tree_has_no_outcome() -> None:
    after = tree(("root", -1), ("B", 0))
    assert outcome({"patch": [{"op": "remove", "path": "/children/0"}]}, BEFORE, after) is None


def test_what_neither_went_nor_came_pairs_up_in_order() -> None:
    after = tree(("root", -1), ("new", 0), ("b", 0), ("C", 0))
    found = outcome({"lists": [[1], [1]]}, BEFORE, after)
    assert found is not None
    assert found.mapping == [0, -1, -1, 2, 3]
    assert found.edits == {("delete", 1), ("insert", 1), ("update", 4)}


def ask(peer: str, a: Tree, b: Tree, folder: Path) -> dict[str, Any]:
    def rows(side: Tree) -> list[list[Any]]:
        return [[n.role, n.name, n.value, p] for n, p in zip(side.nodes, side.parents, strict=True)]

    pair = folder / "pair.json"
    pair.write_text(json.dumps({"a": rows(a), "b": rows(b)}))
    command = (sys.executable, WORKER, peer, pair, "0")
    answer: dict[str, Any] = json.loads(
        subprocess.run(command, capture_output=True, check=True).stdout
    )
    return answer


@pytest.mark.parametrize("peer", ["systemzero", "git"])
def test_a_worker_answers_in_a_process_of_its_own(peer: str, tmp_path: Path) -> None:
    truth = ground_truth(300, 2, "plain")
    told = ask(peer, truth.a, truth.b, tmp_path)
    found = outcome(told, truth.a, truth.b)
    assert found is not None
    assert told["operations"] >= 15
    assert told["cpu_ms"] > 0
    right = sum(x == y >= 0 for x, y in zip(found.mapping, truth.mapping, strict=True))
    assert right > 0.9 * len(truth.a)


def test_git_s_hunks_become_a_mapping(tmp_path: Path) -> None:
    after = tree(("root", -1), ("first", 0), ("a", 0), ("inner", 2), ("c", 0), ("last", 0))
    told = ask("git", BEFORE, after, tmp_path)
    assert told["pairs"] == [[0, 0], [1, 2], [2, 3], [4, 4]]
    assert told["operations"] == 3
