"""Names that a platform makes of a node's content: a change is told once, at the content."""

import json
from textwrap import dedent

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.diff import EditScript, apply, diff, invert, to_json
from systemzero_core.errors import FailedPrecondition
from systemzero_core.intake import take_in
from systemzero_core.tree import Node, Tree
from tests.support.native_captures import ax, cdp
from tests.support.trees import outline
from tests.unit.core.formats.test_json import atspi, widget


def checked(a: Tree, b: Tree) -> EditScript:
    script = diff(a, b)
    assert apply(script, a) == b
    assert apply(invert(script), b) == a
    assert bool(script) == (a != b)
    return script


def told(a: Tree, b: Tree) -> list[str]:
    return [edit.sentence for edit in checked(a, b).edits]


def aria(text: str) -> Tree:
    return take_in(dedent(text).encode(), format="aria").tree


TABLE = """
    - table:
      - rowgroup:
        - row "Berth 4 Free" [selected]:
          - cell "Berth 4"
          - cell "Free"
        - row "{row}":
          - cell "Berth 5"
          - cell "{state}"
    """


def test_one_changed_cell_of_an_aria_snapshot_is_one_edit() -> None:
    before = aria(TABLE.format(row="Berth 5 Free", state="Free"))
    after = aria(TABLE.format(row="Berth 5 Taken", state="Taken"))
    assert told(before, after) == ["cell “Free” renamed to “Taken”"]


def test_a_name_that_is_no_longer_its_content_is_told() -> None:
    before = aria(TABLE.format(row="Berth 5 Free", state="Free"))
    for row, state in (
        ("Berth 5 Sold", "Taken"),
        ("Berth 5 Free", "Taken"),
        ("Berth 5 Taken", "Free"),
    ):
        after = aria(TABLE.format(row=row, state=state))
        assert len(told(before, after)) == (row != "Berth 5 Free") + (state != "Free")
        assert len(told(after, before)) == (row != "Berth 5 Free") + (state != "Free")


def test_other_changes_of_such_a_node_are_told() -> None:
    before = aria(TABLE.format(row="Berth 5 Free", state="Free"))
    after = aria(
        TABLE.format(row='Berth 5 Taken" [selected] [x=1]', state="Taken").replace(']"', "]")
    )
    row, cell = checked(before, after).edits
    assert {change.field for change in row.changes} == {"states", "attributes.x"}
    assert cell.sentence == "cell “Free” renamed to “Taken”"


@pytest.mark.parametrize(
    "role",
    ["row", "listitem", "option", "link", "button", "menuitem", "treeitem", "heading", "group",
     "tab", "cell", "checkbox", "switch"],
)  # fmt: skip
def test_every_role_that_is_named_by_content(role: str) -> None:
    before = outline(f"main\n  {role} Ada 3 new\n    text Ada\n    strong 3 new")
    after = outline(f"main\n  {role} Ada 4 new\n    text Ada\n    strong 4 new")
    assert told(before, after) == ["strong “3 new” renamed to “4 new”"]


def test_in_cdp() -> None:
    def page(state: str) -> Tree:
        nodes = [
            ax("1", "RootWebArea", "Port", ["2"]),
            ax("2", "row", f"Berth 5 {state}", ["3", "4"], parent="1"),
            ax("3", "gridcell", "Berth 5", parent="2"),
            ax("4", "gridcell", state, parent="2"),
        ]
        return take_in(cdp(*nodes)).tree

    assert told(page("Free"), page("Taken")) == ["gridcell “Free” renamed to “Taken”"]


def test_in_atspi() -> None:
    def desk(state: str) -> Tree:
        cells = widget("table cell", "Berth 5"), widget("table cell", state)
        return take_in(
            atspi(widget("frame", "Port", widget("table row", f"Berth 5 {state}", *cells)))
        ).tree

    assert told(desk("Free"), desk("Taken")) == ["cell “Free” renamed to “Taken”"]


def test_phones_join_by_commas() -> None:
    before = outline(
        "list\n  listitem Ada, 12:30, Hello\n    text Ada\n    text 12:30\n    text Hello"
    )
    after = outline(
        "list\n  listitem Ada, 12:31, Hello\n    text Ada\n    text 12:31\n    text Hello"
    )
    assert told(before, after) == ["text “12:30” changed to “12:31”"]
    mixed = outline(
        "list\n  listitem Ada 12:31 Hello\n    text Ada\n    text 12:31\n    text Hello"
    )
    assert len(told(before, mixed)) == 2


def test_what_came_went_or_moved_within_is_told_once() -> None:
    rows = "table\n  row {}\n"
    two = outline(rows.format("A B") + "    cell A\n    cell B")
    one = outline(rows.format("A") + "    cell A")
    swapped = outline(rows.format("B A") + "    cell B\n    cell A")
    assert told(two, one) == ["cell “B” removed from row “A B”"]
    assert told(one, two) == ["cell “B” added to row “A B”"]
    assert all(sentence.startswith("cell") for sentence in told(two, swapped))


def test_names_within_names() -> None:
    deep = (
        "list\n  listitem Order {0} open\n"
        "    link Order {0}\n      text Order\n      strong {0}\n    text open"
    )
    assert told(outline(deep.format(7)), outline(deep.format(8))) == ["strong “7” renamed to “8”"]


def test_a_field_within_is_named_by_its_value() -> None:
    def row(value: str) -> Tree:
        nodes = [Node("row", f"Ada {value}"), Node("cell", "Ada"), Node("textbox", "Mail", value)]
        return Tree([Node("table"), *nodes], [-1, 0, 1, 1])

    assert told(row("a@b.c"), row("a@b.d")) == [
        "textbox “Mail” value changed from “a@b.c” to “a@b.d”"
    ]


def test_a_pages_title_is_no_composition() -> None:
    assert len(told(outline("document A\n  heading A"), outline("document B\n  heading B"))) == 2
    blanks = outline("row A  B\n  cell A\n  cell B"), outline("row AB\n  cell A\n  cell B")
    assert len(told(*blanks)) == 1


def test_the_script_says_which_names_followed() -> None:
    a = outline("row A B\n  cell A\n  cell B")
    b = outline("row A C\n  cell A\n  cell C")
    script = checked(a, b)
    shown = json.loads(to_json(script))
    assert shown["composed"] == [[0, 0, "A B", "A C"]]
    other = outline("row A X\n  cell A\n  cell B")
    with pytest.raises(FailedPrecondition):
        apply(script, other)
    without = msgspec.structs.replace(script, composed=())
    assert apply(without, a) != b


words = st.sampled_from(("A", "B", "C D", ""))


@st.composite
def tables(draw: st.DrawFn) -> Tree:
    """Rows that are mostly named after what is in them."""
    nodes, parents = [Node("table")], [-1]
    for _ in range(draw(st.integers(0, 3))):
        cells = draw(st.lists(words, max_size=3))
        row = len(nodes)
        name = draw(st.sampled_from((" ".join(cells), ", ".join(cells), "A")))
        nodes.append(Node(draw(st.sampled_from(("row", "generic"))), name))
        parents.append(0)
        for cell in cells:
            nodes.append(Node("cell", cell))
            parents.append(row)
            if cell and draw(st.booleans()):
                nodes.append(Node("strong", cell))
                parents.append(len(nodes) - 2)
    return Tree.checked(nodes, parents)


@given(tables(), tables())
def test_the_invariants_hold_whatever_is_named_after_what(a: Tree, b: Tree) -> None:
    checked(a, b)


def test_deep_and_wide_content_takes_linear_time() -> None:
    for parents in (list(range(-1, 9_999)), [-1, *([0] * 9_999)]):
        a = Tree([Node("row", "x " * 9_998 + "y"), *[Node("generic")] * 9_999], parents)
        b = Tree([Node("row", "x " * 9_998 + "z"), *[Node("generic")] * 9_999], parents)
        checked(a, b)
