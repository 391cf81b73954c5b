"""What a diff must find, on trees small enough to know the answer."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.diff import (
    Budget,
    EditKind,
    EditScript,
    Prepared,
    apply,
    diff,
    invert,
    render_text,
    to_json,
)
from systemzero_core.formats import parse
from systemzero_core.normalize import normalize
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.captures import capture, captures
from tests.support.strategies import trees
from tests.support.trees import outline


def kinds(script: EditScript) -> list[tuple[str, int]]:
    return [(edit.kind.value, edit.size) for edit in script.edits]


def listed(names: list[str], role: str = "listitem") -> Tree:
    nodes = [Node("list"), *(Node(role, name) for name in names)]
    return Tree(nodes, [-1] + [0] * len(names))


def chain(names: list[str]) -> Tree:
    return Tree([Node("group", name) for name in names], list(range(-1, len(names) - 1)))


@given(trees(), trees(), st.sampled_from([Budget(), Budget(steps=0), Budget(steps=30)]))
def test_the_script_rebuilds_b_and_its_inverse_a_whatever_the_budget(
    a: Tree, b: Tree, budget: Budget
) -> None:
    script = diff(a, b, budget=budget)
    assert apply(script, a) == b
    assert apply(invert(script), b) == a
    assert bool(script) == (a != b)
    assert to_json(diff(Prepared(a), b, budget=budget)) == to_json(script)


@given(trees())
def test_a_tree_does_not_differ_from_itself(tree: Tree) -> None:
    script = diff(tree, Tree(tree.nodes, tree.parents))
    assert script.edits == ()
    assert script.mapping == tuple(range(len(tree)))


@given(trees(), trees())
def test_every_node_is_mapped_or_in_one_edit(a: Tree, b: Tree) -> None:
    script = diff(a, b)
    gone = [
        p.at
        for e in (*script.edits, *script.unfolded)
        if e.kind is EditKind.DELETE
        for p in e.places
    ]
    new = [
        p.at
        for e in (*script.edits, *script.unfolded)
        if e.kind is EditKind.INSERT
        for p in e.places
    ]
    assert sorted(gone) == [x for x, y in enumerate(script.mapping) if y < 0]
    assert sorted(new) == [y for y, x in enumerate(script.sources()) if x < 0]


@pytest.mark.parametrize("place", [0, 50, 100])
def test_one_sibling_among_a_hundred_alike_is_one_insert(place: int) -> None:
    alike = ["row"] * 100
    script = diff(listed(alike), listed([*alike[:place], "new", *alike[place:]]))
    assert kinds(script) == [("insert", 1)]
    assert script.edits[0].target == place + 1
    assert kinds(diff(listed(alike), listed(["row"] * 101))) == [("insert", 1)]


def test_equal_siblings_never_move() -> None:
    script = diff(listed(["x"] * 20), listed(["x"] * 7))
    assert kinds(script) == [("delete", 1)] * 13


FORM = """
main
 form Checkout
  heading Address
  textbox Street
  textbox City
 navigation Links
  link Help
  link Terms
"""


def test_a_subtree_under_another_parent_is_one_move() -> None:
    after = outline("""
main
 navigation Links
  link Help
  form Checkout
   heading Address
   textbox Street
   textbox City
  link Terms
""")
    script = diff(outline(FORM), after)
    assert kinds(script) == [("move", 4)]
    assert script.edits[0].sentence == ("form “Checkout” moved from main to navigation “Links”")


def test_a_subtree_that_moved_and_changed_is_a_move_and_an_update() -> None:
    after = outline("""
main
 navigation Links
  link Help
  form Checkout
   heading Address
   textbox Street
   textbox Town
  link Terms
""")
    assert kinds(diff(outline(FORM), after)) == [("move", 4), ("update", 1)]


def test_of_equal_things_the_one_that_kept_its_parent_moved() -> None:
    rows = "  link Terms\n  link Shop\n  link Help\n"
    before = outline(f"main\n navigation\n  link Home\n list\n  link Offer of the day\n{rows}")
    after = outline(
        "main\n navigation\n  link Home\n  link Offer of the day\n"
        f" list\n{rows}  link Offer of the day"
    )
    script = diff(before, after)
    assert kinds(script) == [("insert", 1), ("move", 1)]
    assert script.edits[1].sentence == (
        "link “Offer of the day” moved within list, behind link “Help”"
    )


def test_the_first_of_many_that_went_to_the_end_is_one_move() -> None:
    names = [f"item {i}" for i in range(50)]
    script = diff(listed(names), listed([*names[1:], names[0]]))
    assert kinds(script) == [("move", 1)]
    assert script.edits[0].node == 1


def test_a_deleted_subtree_is_one_edit_with_its_size() -> None:
    after = outline("main\n navigation Links\n  link Help\n  link Terms")
    script = diff(outline(FORM), after)
    assert kinds(script) == [("delete", 4)]
    assert kinds(diff(after, outline(FORM))) == [("insert", 4)]


def test_a_wrapper_is_one_insert_also_around_changed_nodes() -> None:
    after = outline("""
main
 form Checkout
  group
   heading Address
   textbox Road
   textbox City
 navigation Links
  link Help
  link Terms
""")
    script = diff(outline(FORM), after)
    assert sorted(kinds(script)) == [("insert", 1), ("update", 1)]
    assert sorted(kinds(diff(after, outline(FORM)))) == [("delete", 1), ("update", 1)]


def test_wrappers_around_wrappers_are_seen_through() -> None:
    rows = ["link A", "link B", "link C", "text D"]
    before = outline("main\n heading H\n" + "".join(f" {row}\n" for row in rows))
    after = outline(
        "main\n heading H\n generic\n  generic\n   group\n"
        + "".join(f"    {row}\n" for row in rows)
    )
    script = diff(before, after)
    assert kinds(script) == [("insert", 3)]
    assert kinds(diff(after, before)) == [("delete", 3)]


def test_a_long_list_of_named_rows_that_all_changed_is_still_weighed() -> None:
    rows = [f" group Row {i}\n  cell a{i}\n  cell old\n  cell b{i}\n" for i in range(150)]
    after = [row.replace("old", "new") for row in rows]
    after.insert(70, " group Extra\n  cell x\n")
    script = diff(outline("list\n" + "".join(rows)), outline("list\n" + "".join(after)))
    assert script.degraded == ""
    assert sorted(kinds(script)) == [("insert", 2)] + [("update", 1)] * 150


def test_a_text_that_only_repeats_its_parents_name_does_not_move_alone() -> None:
    before = outline("table\n cell Kettle\n  text Kettle\n note x\n list\n  button Save")
    after = outline("table\n note x\n list\n  button Save\n  link Kettle\n   text Kettle")
    assert sorted(kinds(diff(before, after))) == [("delete", 2), ("insert", 2)]


def test_a_wrapper_around_one_leaf_is_one_insert_also_where_its_name_says_nothing() -> None:
    bare, wrapped = outline("main\n link A\n text x"), outline("main\n group\n  link A\n text x")
    assert kinds(diff(bare, wrapped)) == [("insert", 1)]
    assert kinds(diff(wrapped, bare)) == [("delete", 1)]


def test_edits_stand_in_the_order_of_the_screen() -> None:
    before = outline("main\n link a\n link b\n list\n  item c\n text d\n text e")
    after = outline("main\n heading H\n link new\n link b\n list\n  item c\n text d")
    assert [edit.kind for edit in diff(before, after).edits] == ["insert", "update", "delete"]


def test_a_container_that_changed_its_role_keeps_its_content() -> None:
    before = outline("main\n generic\n  link Home\n  link Shop\n  link Help\n paragraph x")
    after = outline("main\n banner\n  link Home\n  link Shop\n  link Help\n paragraph x")
    script = diff(before, after)
    assert kinds(script) == [("update", 1)]
    assert script.edits[0].sentence == "generic became banner"


def test_a_link_and_its_text_renamed_together_stay_in_place() -> None:
    before = outline("list\n link Orders\n  text Orders\n link Help\n  text Help")
    after = outline("list\n link Purchases\n  text Purchases\n link Help\n  text Help")
    script = diff(before, after)
    assert script.mapping == tuple(range(5))
    assert kinds(script) == [("update", 1)]  # the link is named after its text
    assert [edit.node for edit in script.edits] == [2]


def test_rows_of_other_data_are_mapped_by_place_and_shape() -> None:
    rows = "".join(f" row\n  cell a{i}\n  cell b{i}\n  cell same\n" for i in range(10))
    other = "".join(f" row\n  cell x{i}\n  cell y{i}\n  cell same\n" for i in range(10))
    script = diff(outline("table\n" + rows), outline("table\n" + other))
    assert kinds(script) == [("update", 1)] * 20
    assert script.mapping == tuple(range(41))


def test_a_vanished_name_is_not_given_to_whatever_stands_there_now() -> None:
    before = outline("main\n button Open the gate\n group\n  button Cancel")
    after = outline("main\n button Pay the bill\n group\n  button Cancel\n  button Open the gate")
    script = diff(before, after)
    assert sorted(kinds(script)) == [("insert", 1), ("move", 1)]


def test_duplicates_are_told_apart_by_their_neighbours() -> None:
    row = " row\n  cell {0}\n  button Edit\n  button Delete\n"
    before = "table\n" + "".join(row.format(i) for i in "abcdef")
    after = "table\n" + "".join(row.format(i) for i in "abdef")
    script = diff(outline(before), outline(after))
    assert kinds(script) == [("delete", 4)]
    assert script.edits[0].node == 9


def test_boxes_and_states_differ_without_disturbing_the_mapping() -> None:
    old = Tree([Node("main"), Node("link", "Go", bounds=Bounds(0, 0, 9, 9))], [-1, 0])
    new = Tree([Node("main"), Node("link", "Go", states=("hidden",))], [-1, 0])
    script = diff(old, new)
    assert kinds(script) == [("update", 1)]
    assert {change.field for change in script.edits[0].changes} == {"bounds", "states"}


def test_another_root_role_is_an_update_not_another_screen() -> None:
    script = diff(outline("document Shop\n main\n  link a"), outline("window Kiosk\n dialog\n  x"))
    assert script.mapping[0] == 0


WORST = {
    "equal siblings": (listed(["x"] * 50_000), listed(["x"] * 30_000 + ["y"] * 20_000)),
    "reversed": (
        listed([f"name {i}" for i in range(20_000)]),
        listed([f"name {i}" for i in range(20_000)][::-1]),
    ),
    "inside out": (
        chain([f"level {i}" for i in range(10_000)]),
        chain([f"level {i}" for i in range(10_000)][::-1]),
    ),
    "deep": (chain([""] * 10_000), chain([""] * 9_000 + ["new"] * 1_000)),
    "nothing in common": (listed(["a"] * 3_000, "cell"), listed(["b"] * 3_000, "link")),
    "to nothing": (chain(["a"] * 10_000), Tree([], [])),
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_trees_get_an_exact_answer(name: str) -> None:
    a, b = WORST[name]
    script = diff(a, b)
    assert apply(script, a) == b
    assert apply(invert(script), b) == a
    assert render_text(script)


def test_a_degraded_answer_says_what_was_approximated() -> None:
    a, b = WORST["nothing in common"]
    assert "3000 children beside 3000" in diff(a, b).degraded
    assert diff(outline(FORM), outline(FORM)).degraded == ""
    rows = "table\n" + "".join(f" row\n  cell a{i}\n  cell b{i}\n" for i in range(30))
    other = "table\n" + "".join(f" row\n  cell x{i}\n  cell b{i}\n" for i in range(29))
    script = diff(outline(rows), outline(other), budget=Budget(steps=10))
    assert "budget" in script.degraded
    assert apply(script, outline(rows)) == outline(other)
    assert render_text(script).endswith(f"! degraded: {script.degraded}")


def recorded(app: str, version: str, state: str) -> Tree:
    shot = capture(app, version, state)
    return normalize(parse(shot.ax, dom=shot.dom).tree)


def real_pairs() -> list[tuple[tuple[str, str, str], tuple[str, str, str]]]:
    """Recorded captures of one application, each with the next one."""
    shots = [shot for shot in captures() if shot[2] not in ("open", "explorer")]
    return [(one, next_) for one, next_ in pairwise(shots) if one[0] == next_[0]]


@pytest.mark.parametrize(("before", "after"), real_pairs(), ids=lambda shot: "-".join(shot))
def test_scripts_between_real_screens_are_exact(
    before: tuple[str, str, str], after: tuple[str, str, str]
) -> None:
    a, b = recorded(*before), recorded(*after)
    script = diff(a, b)
    assert apply(script, a) == b
    assert apply(invert(script), b) == a
    assert not script.degraded
    assert script.cost <= len(a) + len(b)


@given(trees(), trees())
def test_an_edit_names_the_parents_that_the_trees_have(a: Tree, b: Tree) -> None:
    for edit in diff(a, b).edits:
        assert edit.from_parent == (a.parents[edit.node] if edit.node >= 0 else -1)
        assert edit.to_parent == (b.parents[edit.target] if edit.target >= 0 else -1)
