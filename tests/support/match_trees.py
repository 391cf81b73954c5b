"""Small trees for the tests of matching."""

from __future__ import annotations

from systemzero_core.tree import Node, Tree, TreeBuilder

Nested = tuple[str, str, list["Nested"]]


def tree(*nested: Nested) -> Tree:
    """A tree from (role, name, children) under a root named "page"."""
    builder = TreeBuilder()
    builder.open(Node(role="document", name="page"))

    def put(item: Nested) -> None:
        role, name, children = item
        builder.open(Node(role=role, name=name))
        for child in children:
            put(child)
        builder.close()

    for item in nested:
        put(item)
    return builder.build()


LOGIN = tree(
    ("main", "", [("heading", "Log in", []), ("textbox", "User", []), ("textbox", "Password", [])]),
    ("button", "Log in", []),
)
BASKET_PARTS: list[Nested] = [
    ("navigation", "Menu", [("link", "Home", []), ("link", "Basket", [])]),
    ("main", "", [("heading", "Basket", []), ("table", "Goods", [("row", "Pear 3", [])])]),
    ("button", "Pay now", []),
]
BASKET = tree(*BASKET_PARTS)
