from __future__ import annotations

from hypothesis import given

from systemzero_core.drift import script_fingerprint
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.strategies import trees
from tests.support.trees import Item, item, judged, swapped, template, tree

BAR = item("banner", "", item("link", "Home"))
NEW_BAR = item("banner", "", item("link", "Home"), item("link", "Jobs"))


def page(*extra: Item, bar: Item = BAR) -> Tree:
    return tree(bar, item("main", "", item("heading", "Orders"), *extra))


def fingerprint(a: Tree, b: Tree) -> str:
    found = judged(template(a), b).fingerprint
    assert len(bytes.fromhex(found)) == 32
    return found


def test_equal_changes_on_different_screens_share_it() -> None:
    other = item("text", "Much"), item("table", "Else", item("row", "Pear"))
    assert fingerprint(page(), page(bar=NEW_BAR)) == fingerprint(
        page(*other), page(*other, bar=NEW_BAR)
    )


def test_other_changes_have_another() -> None:
    jobs = fingerprint(page(), page(bar=NEW_BAR))
    help_bar = item("banner", "", item("link", "Home"), item("link", "Help"))
    assert jobs != fingerprint(page(), page(bar=help_bar))
    assert jobs != fingerprint(page(bar=NEW_BAR), page())


def test_live_values_share_it_and_prices_do_not() -> None:
    def took(text: str) -> Tree:
        return page(item("text", text))

    assert fingerprint(took("3 ms"), took("5 ms")) == fingerprint(took("1 s"), took("9.5 s"))
    assert fingerprint(took("$3"), took("$5")) != fingerprint(took("$3"), took("$9"))


def test_how_often_a_change_occurs_does_not_count() -> None:
    def rows(count: int, name: str) -> Tree:
        return page(*(item("row", "Order", item("button", name)) for _ in range(count)))

    assert fingerprint(rows(2, "Pay"), rows(2, "Buy")) == fingerprint(
        rows(5, "Pay"), rows(5, "Buy")
    )


def test_boxes_that_follow_do_not_split_a_group() -> None:
    def boxed(y: int, name: str) -> Tree:
        return page(
            item("button", name, bounds=Bounds(0, 0, 9, 9)),
            item("text", "Pear", bounds=Bounds(0, y, 9, 9)),
        )

    renamed = fingerprint(boxed(0, "Pay"), boxed(0, "Buy"))
    assert renamed == fingerprint(boxed(0, "Pay"), boxed(90, "Buy"))
    assert renamed != fingerprint(boxed(0, "Pay"), boxed(90, "Pay"))
    assert fingerprint(boxed(0, "Pay"), boxed(90, "Pay")) == fingerprint(
        boxed(5, "Pay"), boxed(300, "Pay")
    )


def test_ids_and_places_in_lists_are_left_out() -> None:
    def added(**attributes: str) -> Tree:
        return page(item("link", "Jobs", attributes=tuple(sorted(attributes.items()))))

    assert fingerprint(page(), added(id="a", posinset="3")) == fingerprint(page(), added(id="b"))
    assert fingerprint(page(), added(url="/a")) != fingerprint(page(), added(url="/b"))


@given(trees(), trees())
def test_it_does_not_depend_on_what_stands_beside(a: Tree, b: Tree) -> None:
    """The same subtree changes on two screens, of which one has a panel in front of it."""
    if not len(a) or not len(b):
        return

    def below(one: Tree, *front: Node) -> Tree:
        nodes = (Node("document"), *front, *one.nodes)
        start = 1 + len(front)
        parents = (-1, *(0 for _ in front), *(p + start if p >= 0 else 0 for p in one.parents))
        return Tree(nodes, parents)

    panel = Node("complementary", "Something of its own")
    plain = judged(template(below(a)), below(b))
    beside = judged(template(below(a, panel)), below(b, panel))
    assert plain.fingerprint == beside.fingerprint


def test_a_set_of_edits_has_one_whatever_its_order() -> None:
    assert script_fingerprint(["b", "a", "a"]) == script_fingerprint(["a", "b"])
    assert script_fingerprint([]) == ""


def test_a_state_that_changed_has_one() -> None:
    one = page(item("button", "Pay"))
    gone = swapped(one, len(one) - 1, Node("button", "Pay", states=("disabled",)))
    worse = swapped(one, len(one) - 1, Node("button", "Pay", states=("hidden",)))
    assert fingerprint(one, gone) != fingerprint(one, worse)
