"""Digests of places: what a decision about one node, or about what is below one, is compared by.

A place is the whole way from the root, of whatever depth, with names as they are: masked ones would
make the rows of two accounts one place. See `systemzero_core.diff.ways`.
"""

from __future__ import annotations

from collections.abc import Sequence

from systemzero_core.diff import MAX_PATH_STEPS, Edit, PathStep, ways_along
from systemzero_core.drift.model import PlaceDigests


def place_of(path: Sequence[PathStep]) -> PlaceDigests:
    """The place at the end of a whole path."""
    return _place(ways_along(path))


def place_of_edit(edit: Edit) -> PlaceDigests:
    """The place of an edit's node."""
    return _place(edit.ways(1))


def chain_of(edit: Edit) -> list[str]:
    """The digests of an edit's place and of those above it, as far as one looks; the nearest last.

    That is `MAX_PATH_STEPS`: what is deeper below a place is not covered by a decision about it.
    """
    return [way.hex() for way in edit.ways(MAX_PATH_STEPS)]


def _place(ways: Sequence[bytes]) -> PlaceDigests:
    return PlaceDigests(ways[-1].hex(), ways[max(len(ways) - 2, 0)].hex())
