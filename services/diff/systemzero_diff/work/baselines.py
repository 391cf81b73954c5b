"""Baselines in a lane: made of what the service sends once, and kept within a bound of bytes."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from typing import Final

from systemzero_core.diff import Prepared
from systemzero_core.template import Template
from systemzero_core.template.resolve import CompiledPolicy
from systemzero_diff.work.packed import Packed

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


def baseline_of(template: Template) -> Baseline:
    """A template, made ready when it is used."""
    return Baseline(template)


def memory_of(nodes: int, document_bytes: int) -> int:
    """Bytes that the baseline of a template of so many nodes takes, at most."""
    return _NODE * nodes + _CHARACTER * document_bytes


class Kept:
    """The baselines of a lane; those that were not used for longest go first."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[bytes, tuple[Baseline, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: bytes) -> Baseline | None:
        """The baseline of `key`, if it is there."""
        if (kept := self._kept.get(key)) is None:
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def put(self, key: bytes, packed: Packed) -> Baseline:
        """Make the baseline, and keep it if it fits."""
        baseline = baseline_of(packed.template())
        tree = baseline.template.tree
        size = _NODE * (0 if tree is None else len(tree)) + _CHARACTER * packed.size
        if size <= self._most:
            self._kept[key] = baseline, size
            self._bytes += size
            while self._bytes > self._most:
                self._bytes -= self._kept.popitem(last=False)[1][1]
        return baseline


BASELINES: Final = Kept()
"""Those of this process, if it is a lane."""
