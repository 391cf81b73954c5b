"""Digests of the way from the root to a node: what tells one place of a tree from all others.

Each step counts with its role, its whole name and which of its like among its siblings it is; the
root with its role alone, as there is no other and a page's title is its name. Each
digest is chained to the one above it, so that those of all nodes above a node come with its own,
and none needs the way spelled out.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from systemzero_core.diff.script import PathStep

_BYTES: Final = 16
ABOVE: Final = hashlib.sha256(b"systemzero/place/1").digest()[:_BYTES]
"""That of what is above the root."""


def onward(above: bytes, step: PathStep) -> bytes:
    """The digest of the way that leads `above`, and on by `step`."""
    name = "" if above == ABOVE else step.name
    text = f"{len(step.role)}:{step.role}{step.nth}:{name}"
    return hashlib.sha256(above + text.encode("utf-8", "surrogatepass")).digest()[:_BYTES]
