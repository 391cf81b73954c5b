"""One node in normal form, whatever its place."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from systemzero_core.normalize.attributes import Address, normal_attributes, normal_states
from systemzero_core.normalize.roles import aria_role
from systemzero_core.normalize.text import normal_text
from systemzero_core.tree import Bounds, Node

NORMAL_FORM_VERSION: Final = 1
"""Raised with every change that gives any tree another normal form."""

_SENTINEL = 2**30
_WITHIN_FIELDS = frozenset(("text", "generic"))


def node_normalizer(page: Address) -> Callable[[Node], Node]:
    """A function from a node to its normal form, in a document that came from `page`.

    It remembers what it has seen of attributes, so it lives as long as one tree is worked on.
    """
    seen: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {(): ()}

    def normal(node: Node) -> Node:
        own_role, name, value = node.role, node.name, node.value
        role = aria_role(own_role)
        states = normal_states(node.states) if node.states else ()
        if "editable" in states and role in _WITHIN_FIELDS:
            if own_role == "text" and not node.platform_role:
                role = "textbox"  # what AT-SPI calls a text is a label only if it cannot be edited
            elif (
                role == "text" or "focusable" not in states
            ):  # a part of an editable field says so once more
                states = tuple(word for word in states if word != "editable")
        if role == "document":
            attributes = normal_attributes(node.attributes, page, document=True)
        else:
            known = seen.get(node.attributes)
            if known is None:
                known = seen[node.attributes] = normal_attributes(node.attributes, page)
            attributes = known
        platform_role = _platform_word(node.platform_role or own_role)
        return Node(
            role,
            normal_text(name) if name else "",
            normal_text(value) if value else "",
            states,
            None if node.bounds is None else _normal_bounds(node.bounds),
            attributes,
            "" if platform_role == role else platform_role,
        )

    return normal


@lru_cache(maxsize=4096)
def _platform_word(own: str) -> str:
    return normal_text(own)


def _normal_bounds(bounds: Bounds) -> Bounds | None:
    """Whole pixels (halves up), or None for what no screen has: a platform's word for "unknown"."""
    x, y, width, height = bounds
    if not (
        -_SENTINEL < x < _SENTINEL
        and -_SENTINEL < y < _SENTINEL
        and 0 <= width < _SENTINEL
        and 0 <= height < _SENTINEL
    ):
        return None
    if type(x) is type(y) is type(width) is type(height) is int:
        return bounds
    return Bounds(*(math.floor(side + 0.5) for side in (x, y, width, height)))
