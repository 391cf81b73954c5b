"""What a person reads of a diff: sentences, paths, the text; and what a program reads: the JSON."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.diff import (
    MAX_PATH_STEPS,
    Prepared,
    diff,
    format_path,
    invert,
    render_text,
    to_json,
)
from systemzero_core.diff.paths import Paths
from systemzero_core.diff.quoting import MAX_QUOTED, quoted_pair
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.strategies import trees
from tests.support.trees import outline


def one_sentence(old: Node, new: Node) -> str:
    """The sentence of the only edit when `old` becomes `new` between two fixed neighbours."""
    around = [Node("main", "Shop"), Node("heading", "First"), Node("heading", "Last")]
    trees_ = [Tree([*around[:2], node, around[2]], [-1, 0, 0, 0]) for node in (old, new)]
    edits = diff(*trees_).edits
    assert len(edits) == 1
    return edits[0].sentence


LINK = Node("link", "Cancel", states=("focusable",), bounds=Bounds(10, 20, 80, 24))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "Abort"}, "link “Cancel” renamed to “Abort”"),
        ({"name": ""}, "link “Cancel” lost its name"),
        ({"role": "button"}, "link “Cancel” became button"),
        ({"states": ("focusable", "hidden")}, "link “Cancel” became hidden"),
        ({"states": ()}, "link “Cancel” is no longer focusable"),
        ({"value": "7"}, "link “Cancel” value set to “7”"),
        ({"attributes": (("url", "/x"),)}, "link “Cancel” url set to “/x”"),
        ({"platform_role": "AXLink"}, "link “Cancel” platform role set to “AXLink”"),
        ({"bounds": Bounds(10, 60, 80, 24)}, "link “Cancel” shifted down by 40 px"),
        ({"bounds": Bounds(4, 10, 80, 24)}, "link “Cancel” shifted up by 10 px and left by 6 px"),
        (
            {"bounds": Bounds(11, 21, 80, 24)},
            "link “Cancel” shifted down by 1 px and right by 1 px",
        ),
        ({"bounds": Bounds(10, 20, 90, 24)}, "link “Cancel” resized from 80×24 to 90×24"),
        ({"bounds": None}, "link “Cancel” has no box any more"),
        (
            {"name": "Abort", "states": ("disabled", "focusable")},
            "link “Cancel” renamed to “Abort”, became disabled",
        ),
    ],
)
def test_an_update_reads_as_what_happened(fields: dict[str, object], sentence: str) -> None:
    assert one_sentence(LINK, msgspec.structs.replace(LINK, **fields)) == sentence


def test_a_box_that_shifted_and_grew_is_told_in_one_sentence() -> None:
    old, new = (Node("img", "Map", bounds=box) for box in (Bounds(0, 0, 9, 9), Bounds(2, 5, 9, 8)))
    sentence = "img “Map” shifted down by 5 px and right by 2 px and resized from 9×9 to 9×8"
    assert one_sentence(old, new) == sentence


def test_a_text_that_lost_its_words_became_empty() -> None:
    assert one_sentence(Node("text", "Ready"), Node("text")) == "text “Ready” became empty"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (("expanded",), ("collapsed",), "button “Menu” was collapsed"),
        (("unchecked",), ("checked",), "button “Menu” became checked"),
        (("hidden",), (), "button “Menu” became visible"),
        (("disabled",), (), "button “Menu” became enabled"),
        (("busy",), (), "button “Menu” is no longer busy"),
        (("pressed",), ("unpressed",), "button “Menu” is no longer pressed"),
        (("unpressed",), ("pressed",), "button “Menu” became pressed"),
    ],
)
def test_states_are_told_once(old: tuple[str, ...], new: tuple[str, ...], sentence: str) -> None:
    before, after = (Node("button", "Menu", states=states) for states in (old, new))
    assert one_sentence(before, after) == sentence


@pytest.mark.parametrize("role", ["switch", "checkbox"])
def test_a_switch_is_switched_and_a_box_is_checked(role: str) -> None:
    off, on = (Node(role, "Dark", states=(word,)) for word in ("unchecked", "checked"))
    done = {"switch": ("was switched on", "was switched off")}
    became = done.get(role, ("became checked", "became unchecked"))
    assert one_sentence(off, on) == f"{role} “Dark” {became[0]}"
    assert one_sentence(on, off) == f"{role} “Dark” {became[1]}"


def test_a_value_is_told_with_both_sides_and_long_ones_are_cut() -> None:
    old, new = Node("textbox", "Name", "a" * 500), Node("textbox", "Name", "b\n\nc")
    sentence = one_sentence(old, new)
    assert sentence == f"textbox “Name” value changed from “{'a' * 59}…” to “b c”"
    assert one_sentence(Node("text", "12 items"), Node("text", "13 items")) == (
        "text “12 items” changed to “13 items”"
    )


BOND = "By pressing this button I agree that the house may charge my account the sum of"


@pytest.mark.parametrize("field", ["name", "value"])
def test_long_texts_are_cut_around_what_differs(field: str) -> None:
    old, new = (
        msgspec.structs.replace(Node("button", "Pay"), **{field: f"{BOND} {sum_} hundred euros"})
        for sum_ in ("one", "nine")
    )
    before, after = (f"“… account the sum of {sum_} hundred euros”" for sum_ in ("one", "nine"))
    said = f"{before} renamed to" if field == "name" else f"“Pay” value changed from {before} to"
    assert one_sentence(old, new) == f"button {said} {after}"


def test_a_text_that_grew_at_its_end_shows_its_end() -> None:
    sentence = one_sentence(Node("text", BOND), Node("text", f"{BOND} one hundred euros"))
    was = "account the sum of"
    assert sentence == f"text “… {was}” changed to “… {was} one hundred euros”"


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_what_differs_is_seen_in_both_and_bounded(head: str, a: str, b: str, tail: str) -> None:
    old, new = quoted_pair(head + a + tail, head + b + tail)
    assert max(len(old), len(new)) <= MAX_QUOTED + 2
    assert "\n" not in old + new
    if " ".join((head + a + tail).split()) != " ".join((head + b + tail).split()):
        assert old != new


def test_inserts_deletes_and_moves_name_the_place() -> None:
    before = outline(
        "main\n form Checkout\n  generic\n   button Pay now\n   link Help\n contentinfo"
    )
    after = outline("main\n form Checkout\n  generic\n   link Help\n contentinfo\n  button Pay now")
    (move,) = diff(before, after).edits
    assert move.sentence == "button “Pay now” moved from form “Checkout” to the page footer"
    assert format_path(move.path) == "main / form “Checkout” / generic / button “Pay now”"
    assert format_path(move.parent) == "main / contentinfo"
    (back,) = invert(diff(before, after)).edits
    assert back.sentence == "button “Pay now” moved from the page footer to form “Checkout”"

    bare = outline("main\n form Checkout\n  generic\n   button Pay now\n   link Help")
    (gone,) = diff(before, bare).edits
    assert gone.sentence == "contentinfo removed from main"
    (new,) = diff(outline("main\n list"), outline("main\n list\n  listitem\n   link Orders")).edits
    assert format_path(new.parent) == "main / list"
    assert format_path(gone.parent) == "main"
    assert new.sentence == "listitem with “Orders” (2 nodes) added to list"
    assert new.size == 2


def test_a_path_counts_only_among_siblings_of_the_same_role_and_name() -> None:
    rows = "table\n row\n  cell a\n row\n  cell a\n  cell b\n  cell a\n row x"
    (edit,) = diff(
        outline(rows), outline(rows.replace("cell b\n  cell a", "cell b\n  cell c"))
    ).edits
    assert [step.nth for step in edit.path] == [0, 2, 2]
    assert format_path(edit.path) == "table / row [2] / cell “a” [2]"
    many = Tree([Node("list"), *[Node("link", "Go")] * 30], [-1] + [0] * 30)
    fewer = Tree([Node("list"), *[Node("link", "Went")] * 30], [-1] + [0] * 30)
    steps = [edit.path[-1].nth for edit in diff(many, fewer).edits]
    assert steps == list(range(1, 31))


def test_a_path_keeps_the_nearest_steps_of_a_deep_tree() -> None:
    names = [str(i) for i in range(5_000)]
    deep = Tree([Node("group", name) for name in names], list(range(-1, 4_999)))
    other = Tree([*deep.nodes[:-1], Node("group", "changed")], deep.parents)
    (edit,) = diff(deep, other).edits
    assert len(edit.path) == MAX_PATH_STEPS
    assert edit.path[-1].name == "4999"
    assert edit.path[0].name == str(5_000 - MAX_PATH_STEPS)


def test_a_path_is_the_same_whatever_was_asked_before() -> None:
    names = [str(i) for i in range(500)]
    deep = Tree([Node("group", name) for name in names], list(range(-1, 499)))
    asked = Paths(deep)
    for index in (499, 440, 450, 60, 130, 131, 441, 0, 499):
        assert asked.path(index) == Paths(deep).path(index)
        assert [step.name for step in asked.path(index)] == names[: index + 1][-MAX_PATH_STEPS:]


def test_a_prepared_baseline_answers_the_same_every_time() -> None:
    deep = Tree([Node("group", str(i)) for i in range(300)], list(range(-1, 299)))
    baseline = Prepared(deep)
    for place in (299, 250, 251, 90, 299):
        nodes = [*deep.nodes[:place], Node("group", "x"), *deep.nodes[place + 1 :]]
        other = Tree(nodes, deep.parents)
        assert to_json(diff(baseline, other)) == to_json(diff(deep, other))


def test_the_text_is_two_lines_an_edit_and_steers_no_terminal() -> None:
    before = outline("main\n link Old\n list\n  link Gone\n  link Stays")
    nodes = [Node("link", "Evil \x1b[2J\u202e") if n.name == "Old" else n for n in before.nodes]
    script = diff(before, Tree(nodes, before.parents))
    text = render_text(script)
    assert text.splitlines()[0].startswith("~ link “Old” renamed to “Evil")
    assert text.splitlines()[1] == "    main / link “Old”"
    assert "\x1b" not in text
    assert "\u202e" not in text
    colour = render_text(script, colour=True)
    assert colour.startswith("\x1b[33m~ link “Old”")
    assert "\x1b[2J" not in colour
    assert render_text(diff(before, before)) == "no differences"


@given(trees(), trees())
def test_the_json_names_every_field_stably(a: Tree, b: Tree) -> None:
    script = diff(a, b)
    body = json.loads(to_json(script))
    assert set(body) == {"edits", "mapping", "target_size", "degraded", "composed", "unfolded"}
    assert len(body["edits"]) == len(script.edits)
    for plain, edit in zip(body["edits"], script.edits, strict=True):
        assert plain["kind"] in ("insert", "delete", "update", "move")
        assert plain["sentence"] == edit.sentence
        assert [c["field"] for c in plain.get("changes", [])] == [c.field for c in edit.changes]
        assert [s["role"] for s in plain["path"]] == [s.role for s in edit.path]


@given(trees(), trees(), st.booleans())
def test_every_edit_has_a_sentence_of_one_line_and_a_path(a: Tree, b: Tree, turned: bool) -> None:
    script = invert(diff(a, b)) if turned else diff(a, b)
    for edit in script.edits:
        assert edit.path
        assert edit.sentence == edit.sentence.strip()
        assert "\n" not in edit.sentence
        assert len(edit.sentence) > len(edit.path[-1].role)
