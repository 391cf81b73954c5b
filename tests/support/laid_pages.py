"""Pages with boxes, and what stands over them, for the tests of overlays."""

from __future__ import annotations

from systemzero_core.tree import Bounds, Node, Tree
from tests.support.trees import Item, item, tree

SCREEN = Bounds(0, 0, 1000, 800)
MIDDLE = Bounds(300, 150, 400, 400)


def page(*over: Item, address: str = "https://a.test/orders", title: str = "Orders | Shop") -> Tree:
    """A page of six rows of text below a menu button; `over` comes last."""
    made = tree(bar(), *rows(6), *over)
    root = Node("document", title, bounds=SCREEN, attributes=(("url", address),))
    return Tree((root, *made.nodes[1:]), made.parents)


def bar(*below: Item) -> Item:
    """The page's bar, with a button whose menu is `below`."""
    button = item("button", "More", bounds=Bounds(900, 10, 80, 30))
    group = item("group", "", button, *below, bounds=Bounds(890, 5, 100, 40))
    return item("banner", "", group, bounds=Bounds(0, 0, 1000, 50))


def rows(count: int) -> list[Item]:
    """Rows one below another, each with a text left, in the middle and right."""
    return [
        item(
            "group",
            "",
            *(
                item("text", f"Order {place} {word}", bounds=Bounds(left, top + 10, 200, 30))
                for word, left in (("sent", 20), ("paid", 400), ("to Anna", 780))
            ),
            bounds=Bounds(0, top, 1000, 50),
        )
        for place, top in enumerate(range(100, 100 + 100 * count, 100))
    ]


def panel(role: str = "generic", name: str = "", box: Bounds = MIDDLE) -> Item:
    """A question with two answers in a box of its own."""
    left, top = box.x + 10, box.y + 10
    return item(
        role,
        name,
        item("heading", "Delete this order?", bounds=Bounds(left, top, 200, 30)),
        item("text", "It can not be brought back", bounds=Bounds(left, top + 50, 200, 30)),
        item("button", "Delete for good", bounds=Bounds(left, top + 100, 100, 30)),
        item("button", "Keep", bounds=Bounds(left + 120, top + 100, 60, 30)),
        bounds=box,
    )
