"""One node in normal form, whatever its place."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from systemzero_core.normalize.attributes import Address, normal_attributes, normal_states
from systemzero_core.normalize.roles import aria_role
from systemzero_core.normalize.text import normal_text
from systemzero_core.tree import Bounds, Node

NORMAL_FORM_VERSION: Final = 1
"""Raised with every change that gives any tree another normal form."""

_LOW, _HIGH = -(2**30), 2**30
_OF_FIELDS = frozenset(("editable", "multiline"))
"""States that the parts of a field repeat, and that platforms give to labels."""

_Kind = tuple[str, tuple[str, ...], str]
"""Role, states and platform role in normal form."""


def node_normalizer(page: Address) -> Callable[[Node], Node]:
    """A function from a node to its normal form, in a document that came from `page`.

    It remembers what it has seen of roles, states and attributes, since a screen repeats them; it
    lives as long as one tree is worked on, so that no input fills the process's memory.
    """
    kinds: dict[tuple[str, str, tuple[str, ...]], _Kind] = {}
    seen: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {(): ()}

    def normal(node: Node) -> Node:
        own_role, name, value = node.role, node.name, node.value
        key = (own_role, node.platform_role, node.states)
        kind = kinds.get(key)
        if kind is None:
            kind = kinds[key] = _kind(*key)
        role, states, platform_role = kind
        if role == "document":
            attributes = normal_attributes(node.attributes, page, document=True)
        else:
            known = seen.get(node.attributes)
            if known is None:
                known = seen[node.attributes] = normal_attributes(node.attributes, page)
            attributes = known
        return Node(
            role,
            normal_text(name) if name else "",
            normal_text(value) if value else "",
            states,
            None if node.bounds is None else _normal_bounds(node.bounds),
            attributes,
            platform_role,
        )

    return normal


def _kind(own_role: str, platform_role: str, own_states: tuple[str, ...]) -> _Kind:
    role, states = aria_role(own_role), normal_states(own_states)
    if role == own_role == "text" and not platform_role and "editable" in states:
        role = "textbox"  # AT-SPI has one word for labels and fields: `text`
    elif role == "text" or (role == "generic" and "focusable" not in states):
        states = tuple(word for word in states if word not in _OF_FIELDS)
    platform_role = normal_text(platform_role or own_role)
    return role, states, "" if platform_role == role else platform_role


def _normal_bounds(bounds: Bounds) -> Bounds | None:
    """Whole pixels (halves up), or None for what no screen has: a platform's word for "unknown"."""
    x, y, width, height = bounds
    if not (_LOW < x < _HIGH and _LOW < y < _HIGH and 0 <= width < _HIGH and 0 <= height < _HIGH):
        return None
    if type(x) is type(y) is type(width) is type(height) is int:
        return bounds
    return Bounds(*(math.floor(side + 0.5) for side in (x, y, width, height)))
