"""What stands over a screen is told by its role, or by lying over what others show."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.overlay import overlays_of
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.laid_pages import bar, page, panel, rows
from tests.support.trees import item, tree


def found(one: Tree) -> list[str]:
    """Role and first name of each overlay."""
    return [
        f"{one.nodes[i].role} {next(n.name for n in one.nodes[i : one.ends[i]] if n.name)}"
        for i in overlays_of(one)
    ]


def test_a_page_has_nothing_over_it() -> None:
    assert found(page()) == []


def test_a_dialog_says_so_with_and_without_boxes() -> None:
    assert found(page(panel("dialog", "Delete"))) == ["dialog Delete"]
    assert found(tree(item("group", "", item("alertdialog", "Delete")))) == ["alertdialog Delete"]
    assert found(tree(item("group", "Ask", states=("modal",)))) == ["group Ask"]


def test_a_panel_without_a_role_lies_over_the_rows() -> None:
    assert found(page(panel())) == ["generic Delete this order?"]


def test_a_menu_that_opens_out_of_its_button_lies_over_the_rows() -> None:
    menu = panel("list", "", Bounds(700, 40, 300, 400))
    assert found(tree(bar(menu), *rows(6))) == ["list Delete this order?"]


def test_what_is_laid_out_beside_others_is_no_overlay() -> None:
    assert found(page(panel(box=Bounds(0, 700, 1000, 90)))) == []


def test_a_long_list_that_is_scrolled_in_its_box_is_no_overlay() -> None:
    long = item("list", "", *rows(6), bounds=Bounds(0, 60, 1000, 700))
    below = [item("text", f"Note {at}", bounds=Bounds(20, 300 + at, 90, 9)) for at in (0, 60, 120)]
    shown = item("region", "", long, bounds=Bounds(0, 60, 1000, 200))
    assert found(tree(shown, item("group", "", *below, bounds=Bounds(0, 290, 1000, 200)))) == []


def test_an_overlay_in_an_overlay_is_a_part_of_it() -> None:
    inner = item("dialog", "Sure?", item("button", "Yes"))
    assert found(tree(item("dialog", "Delete", inner))) == ["dialog Delete"]


_BOXES = st.builds(
    Bounds,
    st.integers(-50, 200),
    st.integers(-50, 200),
    st.integers(-5, 200),
    st.integers(-5, 200),
)


@given(st.lists(st.tuples(st.integers(0, 30), st.none() | _BOXES, st.booleans()), max_size=60))
def test_overlays_are_in_order_and_never_in_each_other(
    parts: list[tuple[int, Bounds | None, bool]],
) -> None:
    nodes, parents, path = [Node("document", bounds=Bounds(0, 0, 200, 200))], [-1], [0]
    for depth, box, dialog in parts:
        del path[depth % len(path) + 1 :]
        parents.append(path[-1])
        path.append(len(nodes))
        nodes.append(Node("dialog" if dialog and depth > 25 else "group", bounds=box))
    one = Tree.checked(nodes, parents)
    roots = overlays_of(one)
    assert list(roots) == sorted(set(roots))
    assert 0 not in roots
    assert all(one.ends[a] <= b for a, b in pairwise(roots))
