"""What a person is told of a script: few lines, none of them untrue, and no edit lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.diff import Edit, diff
from systemzero_core.diff.render import edit_lines
from systemzero_core.grouping import Line, Telling, Topic, line_lines, render_telling, tell
from systemzero_core.grouping.summary import summary
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.strategies import trees
from tests.support.trees import outline


def told(a: Tree, b: Tree) -> list[str]:
    return [line.sentence for line in tell(diff(a, b).edits).lines]


def outlined(a: str, b: str) -> list[str]:
    return told(outline(a), outline(b))


def changed(tree: Tree, **fields: object) -> Tree:
    """`tree` with these fields in each of its buttons."""
    made = [
        Node(n.role, n.name, **fields) if n.role == "button" else n  # type: ignore[arg-type]
        for n in tree.nodes
    ]
    return Tree(made, tree.parents)


@given(trees(), trees())
def test_opening_every_line_gives_the_script_again(a: Tree, b: Tree) -> None:
    edits = diff(a, b).edits
    telling = tell(edits)
    assert sorted(at for line in telling.lines for at in line.edits) == list(range(len(edits)))
    assert all(list(line.edits) == sorted(line.edits) for line in telling.lines)
    assert len(telling.lines) <= len(edits)
    assert bool(telling.summary) == bool(edits)
    assert [line.topic for line in telling.lines] == sorted(line.topic for line in telling.lines)


@given(trees(), trees())
def test_every_sentence_is_one_bounded_line(a: Tree, b: Tree) -> None:
    telling = tell(diff(a, b).edits)
    for text in (telling.summary, *(line.sentence for line in telling.lines)):
        assert "\n" not in text
        assert text == text.strip()
        assert len(text) < 1_000


@given(trees(), trees(), st.booleans())
def test_the_text_of_an_opened_telling_holds_every_edit(a: Tree, b: Tree, colour: bool) -> None:
    edits = diff(a, b).edits
    shown = render_telling(tell(edits), edits, opened=True, colour=colour)
    for edit in edits:
        assert next(edit_lines(edit)).split(" ", 1)[1] in shown
    assert bool(edits) == (shown != "no differences")


TABLE = "main\n table Orders" + "".join(
    f"\n  row\n   cell Order {n}\n   cell Customer {n}\n   cell Open" for n in range(1, 10)
)


def test_one_change_in_several_rows_is_one_line() -> None:
    head, *rest = TABLE.split("Open")
    after = head + "Open" + rest[0] + "Open" + "Closed".join(rest[1:])
    assert outlined(TABLE, after) == [
        "7 cells in rows 3-9 of table “Orders”: “Open” changed to “Closed”"
    ]


def test_cells_that_came_in_each_row_are_a_column() -> None:
    head = "table Orders\n row\n  columnheader Order\n  columnheader Status"
    rows = "".join(f"\n row\n  cell Order {n}\n  cell Open" for n in range(4))
    more = "".join(f"\n row\n  cell Order {n}\n  cell Open\n  cell {n}7 EUR" for n in range(4))
    before, after = f"main\n{head}{rows}", f"main\n{head}\n  columnheader Total{more}"
    before, after = (
        text.replace("\n", "\n ").replace("\n table", "\n table") for text in (before, after)
    )
    assert outlined(before, after) == ["1 column “Total” added to table “Orders” (5 cells)"]
    assert outlined(after, before) == ["1 column “Total” removed from table “Orders” (5 cells)"]


def test_rows_that_came_are_one_line_and_called_after_their_cells() -> None:
    after = TABLE + "".join(
        f"\n  row\n   cell New {n}\n   cell Berta {n}\n   cell Paid" for n in range(2)
    )
    assert outlined(TABLE, after) == ["2 rows with “New 0” and “New 1” added to table “Orders”"]


def test_descriptions_that_went_into_the_names_are_one_line() -> None:
    names = ("A", "B", "C", "D", "E")
    parents = [-1, *[0] * 5]
    before = [Node("button", n, attributes=(("description", f"{n} order"),)) for n in names]
    after = [Node("button", f"{n} order") for n in names]
    assert told(Tree([Node("main"), *before], parents), Tree([Node("main"), *after], parents)) == [
        "5 buttons in main got their descriptions into their names (“A”, “B”, “C” and 2 more)"
    ]


def test_a_panel_that_shifts_with_all_in_it_is_one_line() -> None:
    def page(down: int) -> Tree:
        boxes = [Bounds(0, 0, 90, 900), *(Bounds(0, 9 * n + down, 90 - n, 9) for n in range(6))]
        nodes = [Node("main", bounds=boxes[0]), Node("navigation", "Shop", bounds=boxes[1])]
        nodes += [Node("link", f"L{n}", bounds=boxes[n]) for n in range(2, 7)]
        return Tree(nodes, [-1, 0, *[1] * 5])

    lines = told(page(0), page(40))
    assert lines == ["6 parts shifted or resized in navigation “Shop”, down by 40 px"]


def test_what_nobody_sees_is_one_line_at_the_end() -> None:
    before = outline("main\n generic\n  button Pay\n heading Cart\n generic\n  text Apples here")
    nodes = [
        Node("generic", attributes=(("id", "x"),)) if n.role == "generic" else n
        for n in before.nodes
    ]
    nodes[3] = Node("heading", "Basket")
    lines = tell(diff(before, Tree(nodes, before.parents)).edits).lines
    assert [line.sentence for line in lines] == [
        "heading “Cart” renamed to “Basket”",
        "containers and attributes that nobody sees: 2 changed",
    ]
    assert lines[-1].topic is Topic.MARKUP


def test_what_went_and_came_under_one_name_was_built_anew() -> None:
    before = outline("main\n dialog Import\n  text Old words here\n navigation Shop\n text End")
    after = outline(
        "main\n navigation Shop\n text End\n form Search\n  dialog Import\n   textbox A\n   link B"
    )
    assert told(before, after) == [
        "form “Search” added to main, where dialog “Import” was built anew"
    ]


def test_what_is_in_another_place_now_is_one_line() -> None:
    before = outline(
        "main\n form Login\n  button Help\n   img Old\n  text A\n search All\n  text B"
    )
    after = outline(
        "main\n form Login\n  text A\n search All\n  text B\n  button Help\n   text New"
    )
    assert told(before, after) == [
        "button “Help” removed from form “Login” and added to search “All”"
    ]


def test_links_that_gave_way_to_others_were_not_renamed() -> None:
    def page(*links: str) -> Tree:
        made = [Node("link", n, attributes=(("url", f"/{n.lower()}"),)) for n in links]
        return Tree([Node("navigation", "Shop"), *made], [-1, *[0] * len(links)])

    (line,) = told(page("Apples", "Pears"), page("Tools", "Nails"))
    assert "renamed" not in line
    assert line == (
        "2 links in navigation “Shop” replaced: “Apples” by “Tools” and “Pears” by “Nails”"
    )


def test_states_that_changed_alike_are_told_of_all() -> None:
    before = outline("main\n button Pay\n button Save\n button Send\n text End")
    after = changed(before, states=("disabled",))
    assert told(before, after) == ["3 buttons in main became disabled (“Pay”, “Save” and “Send”)"]


def test_a_dialog_comes_first_and_layout_last() -> None:
    before = [Node("main"), Node("text", "Old", bounds=Bounds(0, 0, 9, 9)), Node("text", "Total 5")]
    after = [
        Node("main"),
        Node("text", "Old", bounds=Bounds(0, 5, 9, 9)),
        Node("text", "Total 6"),
        Node("dialog", "Sign in"),
    ]
    telling = tell(diff(Tree(before, [-1, 0, 0]), Tree(after, [-1, 0, 0, 0])).edits)
    assert [line.topic for line in telling.lines] == [Topic.OVERLAY, Topic.TEXT, Topic.LAYOUT]
    assert telling.summary == (
        "dialog “Sign in” added to main; text “Total 5” changed to “Total 6”; "
        "1 part shifted or resized"
    )


def test_icons_are_told_as_icons() -> None:
    before = outline("main\n text \ue801\n text \ue802\n text Total of all")
    after = outline("main\n text \ue901\n text \ue902\n text Total of all")
    assert told(before, after) == ["2 texts in main changed: an icon to another icon"]


def test_of_many_changes_the_summary_tells_three_and_counts_the_rest() -> None:
    line = Line("x", (0,), Topic.TEXT, "x")
    assert summary([]) == ""
    assert summary([line]) == "x"
    assert summary([line] * 4) == "x; x; x; 1 more change"
    assert summary([line] * 9) == "x; x; x; 6 more changes"


def test_nothing_is_told_of_no_edits() -> None:
    assert tell([]) == Telling("", ())
    assert render_telling(tell([]), []) == "no differences"


def test_a_line_says_how_many_edits_are_in_it_and_steers_no_terminal() -> None:
    before = outline("main\n button A\x1b[2J\n button B\n text End")
    edits = diff(before, changed(before, states=("disabled",))).edits
    (line,) = tell(edits).lines
    (text,) = line_lines(line, edits, "(note)")
    assert text.endswith("  (note)  [2 edits]")
    assert "\x1b" not in text


@pytest.mark.parametrize("edit", [Edit("insert"), Edit("update"), Edit("move"), Edit("delete")])  # type: ignore[arg-type]
def test_an_edit_of_which_nothing_is_known_is_told_all_the_same(edit: Edit) -> None:
    assert [line.edits for line in tell([edit]).lines] == [(0,)]
