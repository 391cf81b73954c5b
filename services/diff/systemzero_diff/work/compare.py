"""Two trees compared, without any template."""

from __future__ import annotations

from systemzero_base.lanes.worker import WorkContext
from systemzero_base.plugins import lane_formats
from systemzero_base.settings.redacting import rules_of
from systemzero_core.diff import EditScript, diff
from systemzero_core.drift import similarity
from systemzero_core.tree import Tree
from systemzero_diff.codec.comparing import encode_comparison
from systemzero_diff.model import Source
from systemzero_diff.work.sources import taken_in


def compare(_desk: WorkContext, a: Source, b: Source, told: bytes) -> bytes:
    """A serialised DiffResponse."""
    formats, rules = lane_formats(), rules_of(told)
    old, new = taken_in(a, formats, rules), taken_in(b, formats, rules)
    script = diff(old.tree, new.tree)
    return encode_comparison(old, new, script, _similarity(old.tree, new.tree, script))


def _similarity(a: Tree, b: Tree, script: EditScript) -> float:
    return similarity(a, b, script) if len(a) else 0.0
