"""Which nodes make a screen that screen: chosen when a template is learnt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from systemzero_core.roles import REPEATING
from systemzero_core.template.model import Selector
from systemzero_core.template.patterns import escape
from systemzero_core.template.shapes import VOLATILE, tokens
from systemzero_core.tree import Node, Tree

_FIELDS = frozenset({"textbox", "searchbox", "combobox", "spinbutton"})
_CELLS = frozenset({"cell", "gridcell"})
_NOT_FOR_GOOD = re.compile(r"[\d\u201c\u201d\u201e\u00ab\u00bb\"]|://|^/")
"""What is in a name that is of one record: a number, quotes, an address."""
_WORD = re.compile(r"\w+")
_SHORTEST_DATA = 3

MAX_REQUIRED = 16
"""Required nodes of a learnt template, at most."""

_MAX_NAME = 80
_RANKS = {
    "heading": 0,
    "textbox": 1,
    "searchbox": 1,
    "combobox": 1,
    "checkbox": 1,
    "switch": 1,
    "button": 2,
    "columnheader": 2,
    "dialog": 2,
    "form": 2,
    "tab": 3,
    "navigation": 3,
    "region": 3,
    "menuitem": 4,
    "link": 5,
}
_SHARE = {0: 6, 1: 6, 2: 6, 3: 3, 4: 2, 5: 3}
"""How many of each rank at most, so that no one kind tells alone what a screen is."""


def required_nodes(tree: Tree, unstable: Collection[int]) -> tuple[Selector, ...]:
    """Up to `MAX_REQUIRED` nodes that identify `tree`, none of which is in `unstable`.

    Headings and fields first, then buttons; named, unique on the screen by role and name, not
    within rows, and without what is of one record or one moment in their names: a live value, a
    number, a query in quotes, the value of a field or of a row, the key in a link's address.
    """
    within = _within_rows(tree)
    data = _data(tree)
    names = Counter((node.role, node.name) for node in tree.nodes)
    chosen: list[tuple[int, int]] = []
    for i, node in enumerate(tree.nodes):
        rank = _RANKS.get(node.role)
        if rank is None or i in unstable or within[i] or names[node.role, node.name] > 1:
            continue
        if _is_stable(node) and not _tells_of(node, data):
            chosen.append((rank, i))
    left = dict(_SHARE)
    picked: list[int] = []
    for rank, i in sorted(chosen):
        if left[rank] and len(picked) < MAX_REQUIRED:
            left[rank] -= 1
            picked.append(i)
    return tuple(_selector(tree.nodes[i]) for i in sorted(picked))


def _selector(node: Node) -> Selector:
    return Selector(role=node.role, name=escape(node.name))


def _is_stable(node: Node) -> bool:
    if not node.name or len(node.name) > _MAX_NAME or "hidden" in node.states:
        return False
    return not any(shape in VOLATILE for shape, _ in tokens(node.name))


def _data(tree: Tree) -> frozenset[str]:
    """The texts that are data: values of fields, and cells."""
    texts = (
        node.value if node.role in _FIELDS else node.name
        for node in tree.nodes
        if node.role in _FIELDS or node.role in _CELLS
    )
    return frozenset(text for text in texts if _SHORTEST_DATA <= len(text) <= _MAX_NAME)


def _tells_of(node: Node, data: frozenset[str]) -> bool:
    """Whether a name is made of data: of a record, a query, an address."""
    name = node.name
    if _NOT_FOR_GOOD.search(name):
        return True
    if node.role == "link":
        path = (node.attribute("url") or "").partition("?")[0].rstrip("/")
        return path.rpartition("/")[2] == name
    return name in data or (node.role in _FIELDS and not data.isdisjoint(_WORD.findall(name)))


def _within_rows(tree: Tree) -> list[bool]:
    within: list[bool] = []
    for i, parent in enumerate(tree.parents):
        row = tree.nodes[i].role in REPEATING
        within.append(row or (parent >= 0 and within[parent]))
    return within
