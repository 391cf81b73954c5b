"""Digests of places: what a decision about one node, or about what is below one, is compared by.

A place is the way from the root: each step's role, its name with live values masked, and which of
its like among its siblings it is. Each digest is chained to the one above it, so that those of all
nodes above a node come with its own, and none needs the way spelled out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from systemzero_core.diff import PathStep
from systemzero_core.drift.model import PlaceDigests
from systemzero_core.template.shapes import mask

_START: Final = b"systemzero/place/1"
_BYTES: Final = 16


def place_of(path: Sequence[PathStep]) -> PlaceDigests:
    """The place at the end of `path`."""
    chain = chain_of(path)
    return PlaceDigests(chain[-1], chain[max(len(chain) - 2, 0)])


def chain_of(path: Iterable[PathStep]) -> list[str]:
    """The digests of the places along `path`, 32 hex digits each; above the root first."""
    last = hashlib.sha256(_START).digest()[:_BYTES]
    chain = [last.hex()]
    for step in path:
        last = hashlib.sha256(last + _spelt(step)).digest()[:_BYTES]
        chain.append(last.hex())
    return chain


def _spelt(step: PathStep) -> bytes:
    text = f"{len(step.role)}:{step.role}{step.nth}:{mask(step.name)}"
    return text.encode("utf-8", "surrogatepass")
