"""Baselines in a lane: made of what the service sends once, and kept within a bound of bytes."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from systemzero_base.lru import Lru
from systemzero_core.diff import Prepared
from systemzero_core.template import Template
from systemzero_core.template.resolve import CompiledPolicy

MOST_KEPT: Final = 1_000
KEPT_BYTES: Final = 24_000_000
"""Of all baselines that a lane keeps, by estimate."""
_NODE: Final = 640
"""Bytes of a node in a baseline: the node itself, its numbers, what a diff keeps for the next."""
_CHARACTER: Final = 6
"""Bytes for each byte of the documents."""


class Baseline:
    """A template with what is computed once, when it is asked for.

    Attributes:
        template: the template.
        size: bytes of its documents, as far as that is known.
    """

    def __init__(self, template: Template, size: int = 0) -> None:
        self.template = template
        self.size = size

    @cached_property
    def policy(self) -> CompiledPolicy:
        """Its policy, compiled."""
        return CompiledPolicy(self.template.policy)

    @cached_property
    def prepared(self) -> Prepared | None:
        """Its tree, prepared for diffs; None where it has none."""
        tree = self.template.tree
        return None if tree is None else Prepared(tree)


def memory_of(nodes: int, document_bytes: int) -> int:
    """Bytes that the baseline of a template of so many nodes takes, at most."""
    return _NODE * nodes + _CHARACTER * document_bytes


def _memory(_key: bytes, baseline: Baseline) -> int:
    tree = baseline.template.tree
    return memory_of(0 if tree is None else len(tree), baseline.size)


BASELINES: Final = Lru[bytes, Baseline](MOST_KEPT, _memory, KEPT_BYTES)
"""Those of this process, if it is a lane."""
