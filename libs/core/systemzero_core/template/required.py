"""Which nodes make a screen that screen: chosen when a template is learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from systemzero_core.roles import REPEATING
from systemzero_core.template.model import Selector
from systemzero_core.template.patterns import escape
from systemzero_core.template.shapes import VOLATILE, tokens
from systemzero_core.tree import Node, Tree

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

    Headings and fields first, then buttons; named, unique on the screen by role and name, without
    live values in their names, not within rows.
    """
    within = _within_rows(tree)
    names = Counter((node.role, node.name) for node in tree.nodes)
    chosen: list[tuple[int, int]] = []
    for i, node in enumerate(tree.nodes):
        rank = _RANKS.get(node.role)
        if rank is None or i in unstable or within[i] or names[node.role, node.name] > 1:
            continue
        if _is_stable(node):
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


def _within_rows(tree: Tree) -> list[bool]:
    within: list[bool] = []
    for i, parent in enumerate(tree.parents):
        row = tree.nodes[i].role in REPEATING
        within.append(row or (parent >= 0 and within[parent]))
    return within
