"""Small conversions that several formats share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from systemzero_core.errors import TooLarge
from systemzero_core.tree import MAX_NODES, Bounds, Tree

_HIGH = float(2**31 - 1)  # as most numbers that it is compared with
_LOW = -_HIGH

SYSTEM_BAR: Final = "SystemBar"
"""The role that parsers give to what is the system's own, whatever its class: the filter
`system-bar` takes it out with all below it."""


def box(x: float, y: float, width: float, height: float) -> Bounds | None:
    """A box rounded to whole pixels; None where a number is no pixel position on any screen.

    -2147483648 is what AT-SPI gives for a widget that is not on the screen.
    """
    # Written so that NaN, which compares as neither, is refused too.
    if (
        _LOW <= x <= _HIGH
        and _LOW <= y <= _HIGH
        and _LOW <= width <= _HIGH
        and _LOW <= height <= _HIGH
    ):
        return Bounds(round(x), round(y), round(width), round(height))
    return None


def box_of(numbers: Sequence[object]) -> Bounds | None:
    """A box from `[x, y, width, height]`; None where these are not four numbers."""
    plain = [n for n in numbers if isinstance(n, (int, float)) and not isinstance(n, bool)]
    return box(*plain) if len(plain) == len(numbers) == 4 else None


def text_of(value: object) -> str:
    """A JSON scalar as text: `true`, `false`, whole numbers without a fraction, None as ''."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value) if isinstance(value, (int, float)) else ""


def pairs(attributes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Attributes as a node holds them: sorted by name."""
    items = attributes.items()
    return tuple(sorted(items)) if len(items) > 1 else tuple(items)


def words(states: Collection[str]) -> tuple[str, ...]:
    """States as a node holds them: sorted, each once."""
    return tuple(sorted(set(states))) if len(states) > 1 else tuple(states)


def check_count(count: int) -> None:
    """Refuse more nodes than a tree may have, before any of them is built.

    Raises:
        TooLarge: `count` is above `MAX_NODES`.
    """
    if count > MAX_NODES:
        raise TooLarge(
            f"the input has {count} nodes, at most {MAX_NODES} are taken",
            metadata={"limit": str(MAX_NODES), "actual": str(count)},
        )


def box_from_text(sides: Sequence[str]) -> Bounds | None:
    """A box from `x, y, width, height` as decimal text; None where these are not four numbers."""
    try:
        return box_of([float(side) for side in sides])
    except ValueError:
        return None


def with_roles(tree: Tree, roles: Mapping[int, str]) -> Tree:
    """`tree`, the nodes of `roles` with another role."""
    if not roles:
        return tree
    nodes = list(tree.nodes)
    for i, role in roles.items():
        nodes[i] = replace(nodes[i], role=role)
    return Tree(nodes, tree.parents)
