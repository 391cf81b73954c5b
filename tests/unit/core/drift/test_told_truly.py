"""Sentences that a person who looks at the screen finds true."""

import pytest
from hypothesis import given

from systemzero_core.diff import apply, diff
from systemzero_core.diff.script import EditScript
from systemzero_core.intake import take_in
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.strategies import trees
from tests.support.trees import judged, outline, template


def told(a: Tree, b: Tree) -> list[str]:
    return [edit.sentence for edit in diff(a, b).edits]


def link(name: str, url: str) -> Tree:
    around = [Node("main", "Shop"), Node("heading", "Hot"), Node("text", "End")]
    it = Node("link", name, attributes=(("url", url),))
    return Tree([*around[:2], it, around[2]], [-1, 0, 0, 0])


def test_another_link_in_its_place_is_no_rename() -> None:
    (said,) = told(link("Docs", "https://a.example/docs"), link("Code", "https://b.example/code"))
    assert said.startswith("link “Docs” replaced by “Code”: url changed from “https://a.example")


@pytest.mark.parametrize("url", ["/1.0/orders", "/2.0/orders", "/2.0/orders/"])
def test_a_link_that_keeps_its_page_is_renamed(url: str) -> None:
    (said,) = told(link("Docs", "/1.0/orders"), link("Code", url))
    assert said.startswith("link “Docs” renamed to “Code”")


def button(*content: str) -> Tree:
    lines = "".join(f"\n    - {line}" for line in content)
    return take_in(f'- main:\n  - button "Save all":{lines}\n'.encode(), format="aria").tree


def test_a_text_that_is_still_shown_did_not_go_with_the_icon() -> None:
    icon, bare = button("img", "text: Save", "text: all"), button("text: Save", "text: all")
    assert told(icon, bare) == ["img removed from button “Save all”"]
    assert told(bare, icon) == ["img added to button “Save all”"]
    script = diff(icon, bare)
    assert apply(script, icon) == bare
    assert len(script.unfolded) == 2


def test_a_text_that_went_with_the_icon_is_told() -> None:
    icon = button("img", "text: Save", "text: all", "text: now")
    bare = button("text: Save", "text: all")
    assert "text “now” removed from button “Save all”" in told(icon, bare)


@given(trees(), trees())
def test_something_is_told_wherever_something_differs(a: Tree, b: Tree) -> None:
    script: EditScript = diff(a, b)
    assert bool(script.edits) == (a != b)
    assert apply(script, a) == b


def test_a_wrapper_is_put_around_what_stays() -> None:
    bare = outline("main\n list Orders\n  listitem A\n  listitem B\n text End")
    wrapped = outline("main\n region\n  list Orders\n   listitem A\n   listitem B\n text End")
    assert told(bare, wrapped) == ["region added around list “Orders”"]
    assert told(wrapped, bare) == ["region removed from main, what was in it stays"]


def test_a_wrapper_of_several_says_how_many() -> None:
    bare = outline("main\n button Pay\n link Help\n text End")
    wrapped = outline("main\n group\n  button Pay\n  link Help\n text End")
    assert told(bare, wrapped) == ["group added around 2 nodes that stay"]


def test_a_row_is_called_after_its_cells() -> None:
    table = "table\n row\n  cell Anna\n  cell Open\n  cell 12 EUR"
    more = f"{table}\n row\n  cell Berta\n  cell Closed\n  cell 30 EUR"
    assert told(outline(table), outline(more)) == [
        "row with “Berta”, “Closed”, “30 EUR” (4 nodes) added to table"
    ]


def test_what_moved_is_told_with_its_new_neighbour() -> None:
    before = outline("main\n toolbar Filters\n  button All\n  button Open\n table Orders\n  row A")
    nodes, parents = before.nodes, before.parents
    after = Tree(
        [nodes[0], *nodes[4:], *nodes[1:4]],
        [parents[0], 0, 1, 0, 3, 3],
    )
    (said,) = told(before, after)
    assert said in (
        "toolbar “Filters” moved within main, behind table “Orders”",
        "table “Orders” moved within main",
    )


def test_below_is_said_where_boxes_say_so() -> None:
    def page(*order: str) -> Tree:
        names = {"toolbar": "Filters", "table": "Orders", "contentinfo": "Legal"}
        nodes = [Node("main")]
        parents = [-1]
        for place, role in enumerate(order):
            top = len(nodes)
            nodes.append(Node(role, names[role], bounds=Bounds(0, 50 * place, 90, 50)))
            nodes += [Node("row" if role == "table" else "button", f"{role}{i}") for i in range(4)]
            parents += [0, *[top] * 4]
        return Tree(nodes, parents)

    before, after = page("toolbar", "table", "contentinfo"), page("table", "contentinfo", "toolbar")
    said = [s for s in told(before, after) if "moved" in s]
    assert said == ["toolbar “Filters” moved within main, below contentinfo “Legal”"]


@pytest.mark.parametrize(("old", "new"), [("checked", "unchecked"), ("On", "Off")])
def test_a_state_that_stands_as_a_name_is_no_rename(old: str, new: str) -> None:
    before = outline(f"main\n heading Mail\n checkbox {old}\n text End")
    after = outline(f"main\n heading Mail\n checkbox {new}\n text End")
    assert told(before, after) == [f"checkbox “{old}” now says “{new}”"]
    (finding,) = (
        f for f in judged(template(before), after).findings if f.code == "control_renamed"
    )
    assert finding.message == f"checkbox now says “{new}”, where it said “{old}”"


def test_a_dialog_that_was_built_anew_neither_went_nor_appeared() -> None:
    before = outline(
        "document\n generic\n  dialog Import\n   text Old words here\n main\n  text Body"
    )
    after = outline("document\n generic\n main\n  text Body\n dialog Import\n  textbox Paste it")
    codes = {finding.code for finding in judged(template(before), after).findings}
    assert "dialog_appeared" not in codes


def test_a_combobox_that_stands_elsewhere_became_nothing_else() -> None:
    texts = [Node("text", word) for word in ("Runs", "Stopped", "Done", "Failed")]
    heading, box = Node("heading", "All runs"), Node("combobox", "Inactive")
    before = Tree([Node("main"), heading, box, *texts], [-1, 0, 0, 2, 2, 2, 2])
    after = Tree([Node("main"), heading, Node("generic"), *texts, box], [-1, 0, 0, 2, 2, 2, 2, 0])
    messages = [f.message for f in judged(template(before), after).findings]
    assert not any("became" in message for message in messages), messages


def test_a_control_that_became_something_else_is_called_as_it_was() -> None:
    texts = [Node("text", word) for word in ("Runs", "Stopped", "Done", "Failed")]
    heading, box = Node("heading", "All runs"), Node("combobox", "Inactive")
    before = Tree([Node("main"), heading, box, *texts], [-1, 0, 0, 2, 2, 2, 2])
    after = Tree([Node("main"), heading, Node("img"), *texts], [-1, 0, 0, 2, 2, 2, 2])
    messages = [f.message for f in judged(template(before), after).findings]
    assert "combobox “Inactive” became an img" in messages
