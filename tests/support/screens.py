"""Screens of a shop: as they were approved, changed, and of another kind."""

from __future__ import annotations

from systemzero_core.intake import take_in_tree
from systemzero_core.tree import Node, Tree
from tests.support.trees import Item, item, tree


def screen(title: str, *buttons: str) -> Tree:
    """A form with a heading and buttons, in normal form."""
    nodes = [
        Node("document", name=title),
        Node("heading", name=title, attributes=(("level", "1"),)),
        Node("textbox", name="Amount"),
        *(Node("button", name=name) for name in buttons),
    ]
    return take_in_tree(Tree(nodes, [-1, *(0 for _ in nodes[1:])])).tree


ORDER = screen("Order", "Buy", "Cancel", "Help", "Print")
CHANGED = screen("Order", "Buy now", "Cancel", "Help", "Print")
CART = screen("Cart", "Remove", "Checkout", "Empty", "Save")
OTHER = Tree(
    [
        Node("document", name="News"),
        Node("article", name="Today"),
        Node("paragraph", name="Hello"),
        Node("link", name="More"),
        Node("button", name="Help"),
    ],
    [-1, 0, 1, 1, 0],
)
"""No screen's, though not without likeness."""

LOGIN = tree(
    item(
        "main", "", item("heading", "Log in"), item("textbox", "User"), item("textbox", "Password")
    ),
    item("button", "Log in"),
)
BASKET_PARTS: list[Item] = [
    item("navigation", "Menu", item("link", "Home"), item("link", "Basket")),
    item("main", "", item("heading", "Basket"), item("table", "Goods", item("row", "Pear 3"))),
    item("button", "Pay now"),
]
BASKET = tree(*BASKET_PARTS)
