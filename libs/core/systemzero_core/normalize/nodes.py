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
_OF_FIELDS = frozenset(("editable", "multiline"))
"""States that the parts of a field repeat, and that platforms give to labels."""
_MANY = 16_384


def node_normalizer(page: Address) -> Callable[[Node], Node]:
    """A function from a node to its normal form, in a document that came from `page`.

    It remembers what it has seen of attributes, so it lives as long as one tree is worked on.
    """
    seen: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {(): ()}

    def normal(node: Node) -> Node:
        own_role, name, value = node.role, node.name, node.value
        role, states = _role_and_states(own_role, bool(node.platform_role), node.states)
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


@lru_cache(maxsize=_MANY)
def _role_and_states(
    own_role: str, has_platform_role: bool, own_states: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    role, states = aria_role(own_role), normal_states(own_states)
    if role == "text" and own_role == role and not has_platform_role and "editable" in states:
        return "textbox", states  # AT-SPI has one word for labels and fields: `text`
    if role == "text" or (role == "generic" and "focusable" not in states):
        states = tuple(word for word in states if word not in _OF_FIELDS)
    return role, states


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
