"""`apply` and `invert`: exact for every mapping, good or bad, and strict about their input."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.diff import EditScript, Prepared, apply, diff, invert
from systemzero_core.diff.edits import (
    Findings,
    Mapping,
    build_edits,
    changed_nodes,
    moved_nodes,
)
from systemzero_core.errors import FailedPrecondition
from systemzero_core.tree import Tree
from tests.support.strategies import trees
from tests.support.trees import outline


def script_of(a: Tree, b: Tree, pairs: list[tuple[int, int]]) -> EditScript:
    mapping = Mapping(a, b)
    for x, y in pairs:
        mapping.add(x, y)
    slices = [(x, y, 1) for x, y in pairs]
    before = Prepared(a)
    after = Prepared(b, before)
    found = Findings(
        deleted=mapping.deleted(),
        inserted=mapping.inserted(),
        moved=moved_nodes(a, b, mapping, slices),
        changed=changed_nodes(before, after, slices),
    )
    edits = build_edits(before, after, mapping, found)
    return EditScript(edits, tuple(mapping.to_b), len(b))


@given(trees(), trees(), st.randoms(use_true_random=False), st.floats(0, 1))
def test_any_mapping_whatever_makes_an_exact_script(
    a: Tree, b: Tree, random: Random, share: float
) -> None:
    left, right = list(range(len(a))), list(range(len(b)))
    random.shuffle(left)
    random.shuffle(right)
    pairs = list(zip(left, right, strict=False))
    script = script_of(a, b, pairs[: int(share * len(pairs))])
    assert apply(script, a) == b
    assert apply(invert(script), b) == a


@given(trees(), trees())
def test_diff_applies_and_inverts(a: Tree, b: Tree) -> None:
    script = diff(a, b)
    assert apply(script, a) == b
    assert apply(invert(script), b) == a
    assert invert(invert(script)).mapping == script.mapping


@given(trees())
def test_a_tree_does_not_differ_from_itself(tree: Tree) -> None:
    script = diff(tree, Tree(tree.nodes, tree.parents))
    assert not script
    assert script.edits == ()
    assert script.mapping == tuple(range(len(tree)))


@given(trees(), trees(), trees())
def test_a_script_for_another_tree_is_refused_or_harmless(a: Tree, b: Tree, other: Tree) -> None:
    script = diff(a, b)
    try:
        result = apply(script, other)
    except FailedPrecondition:
        return
    Tree.checked(result.nodes, result.parents)


BEFORE = outline("""
main
 form Checkout
  button Pay
  button Cancel
 contentinfo
""")
AFTER = outline("""
main
 form Checkout
  button Abort
 contentinfo
  button Pay
""")


def test_a_script_refuses_a_tree_of_another_size() -> None:
    with pytest.raises(FailedPrecondition, match="5 nodes, this one has 0"):
        apply(diff(BEFORE, AFTER), Tree([], []))


@pytest.mark.parametrize("index", range(3))
def test_a_script_refuses_a_tree_whose_touched_node_differs(index: int) -> None:
    script = script_of(BEFORE, AFTER, [(0, 0), (1, 1), (3, 2)])
    nodes = list(BEFORE.nodes)
    touched = [e.node for e in script.edits if e.node >= 0]
    at = touched[index % len(touched)]
    nodes[at] = msgspec.structs.replace(nodes[at], name="other", role="other")
    with pytest.raises(FailedPrecondition):
        apply(script, Tree(nodes, BEFORE.parents))


@pytest.mark.parametrize("field", ["nodes", "places"])
@pytest.mark.parametrize("kind", ["insert", "delete"])
def test_an_edit_whose_nodes_are_not_those_of_its_places_is_refused(field: str, kind: str) -> None:
    script = script_of(BEFORE, AFTER, [(0, 0), (1, 1), (4, 3)])
    edits = [
        msgspec.structs.replace(edit, **{field: getattr(edit, field)[:-1]})
        if edit.kind == kind
        else edit
        for edit in script.edits
    ]
    with pytest.raises(FailedPrecondition, match="places"):
        apply(msgspec.structs.replace(script, edits=tuple(edits)), BEFORE)


def test_the_way_back_is_as_degraded_as_the_way_there() -> None:
    script = msgspec.structs.replace(diff(BEFORE, AFTER), degraded="in a hurry")
    assert invert(script).degraded == "in a hurry"


def test_a_script_with_an_edit_taken_out_is_refused() -> None:
    script = diff(BEFORE, AFTER)
    for gone in script.edits:
        rest = tuple(e for e in script.edits if e is not gone)
        altered = msgspec.structs.replace(script, edits=rest)
        try:
            assert apply(altered, BEFORE) != AFTER
        except FailedPrecondition:
            continue


def test_wrapping_is_one_insert_and_unwrapping_one_delete() -> None:
    flat = outline("list\n a\n b\n c\n d")
    wrapped = outline("list\n a\n group\n  b\n  c\n d")
    pairs = [(0, 0), (1, 1), (2, 3), (3, 4), (4, 5)]
    script = script_of(flat, wrapped, pairs)
    assert [(e.kind, e.size) for e in script.edits] == [("insert", 1)]
    assert [(e.kind, e.size) for e in invert(script).edits] == [("delete", 1)]
    assert apply(script, flat) == wrapped
    assert apply(invert(script), wrapped) == flat
