"""A capture, read the whole way to its signature, or why it was not."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks._corpus import Files
from systemzero_core.completeness import assess
from systemzero_core.errors import DomainError, TruncatedInput
from systemzero_core.formats import parse
from systemzero_core.normalize import normalize
from systemzero_core.signature import sign
from systemzero_core.tree import Tree

_MAX_BYTES = 100_000_000


class Reading(NamedTuple):
    """A capture in normal form; an empty one where `held_back` says why."""

    tree: Tree = Tree((), ())
    signature: str = ""
    inconclusive: str = ""
    unreadable: str = ""

    @property
    def held_back(self) -> str:
        """Why there is no verdict on this capture; empty when there is one."""
        return self.inconclusive or self.unreadable


def read(files: Files) -> Reading:
    """What the service would make of a capture's bytes."""
    try:
        parsed = parse(files.data, dom=files.dom, frames=files.frames, max_bytes=_MAX_BYTES)
    except TruncatedInput as error:
        return Reading(inconclusive=str(error))
    except DomainError as error:
        return Reading(unreadable=f"{type(error).__name__}: {error}")
    if missing := assess(parsed.tree, parsed.gaps):
        return Reading(inconclusive="; ".join(m.detail for m in missing))
    tree = normalize(parsed.tree)
    return Reading(tree, sign(tree).full.hex())
