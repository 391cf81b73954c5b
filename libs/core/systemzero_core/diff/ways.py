"""Digests of the way from the root to a node: what tells one place of a tree from all others.

Each step counts with its role, its whole name and which of its like among its siblings it is. Each
digest is chained to the one above it, so that those of all nodes above a node come with its own,
and none needs the way spelled out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from systemzero_core.diff.script import PathStep

_BYTES: Final = 16
ABOVE: Final = hashlib.sha256(b"systemzero/place/1").digest()[:_BYTES]
"""That of what is above the root."""


def onward(above: bytes, step: PathStep) -> bytes:
    """The digest of the way that leads `above`, and on by `step`."""
    text = f"{len(step.role)}:{step.role}{step.nth}:{step.name}"
    return hashlib.sha256(above + text.encode("utf-8", "surrogatepass")).digest()[:_BYTES]


def ways_along(path: Iterable[PathStep]) -> list[bytes]:
    """The digests along a whole path: above the root first, the node's own last."""
    ways = [ABOVE]
    for step in path:
        ways.append(onward(ways[-1], step))
    return ways
