"""What several detectors read from a context."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from systemzero_core.diff import Change, Edit, EditKind
from systemzero_core.diff.describe import paths_of
from systemzero_core.diff.quoting import quoted, quoted_pair
from systemzero_core.drift.model import Context, Finding, Severity
from systemzero_core.roles import REPEATING
from systemzero_core.tree import Node, Tree

_MAX_ANCESTORS = 64


def baseline_of(context: Context) -> Tree:
    """The template's tree, which every context has."""
    tree = context.template.tree
    assert tree is not None  # noqa: S101 (a context is made by `judge`, which checks)
    return tree


def removed(context: Context) -> Iterator[tuple[Edit, int, Node]]:
    """Each node that is gone: the edit, its index in the baseline, itself."""
    for judged in context.edits:
        if judged.edit.kind is EditKind.DELETE:
            for node, place in zip(judged.edit.nodes, judged.edit.places, strict=True):
                yield judged.edit, place.at, node


def added(context: Context) -> Iterator[tuple[Edit, int, Node]]:
    """Each node that is new: the edit, its index in the capture, itself."""
    for judged in context.edits:
        if judged.edit.kind is EditKind.INSERT:
            for node, place in zip(judged.edit.nodes, judged.edit.places, strict=True):
                yield judged.edit, place.at, node


def names(found: Iterable[tuple[Edit, int, Node]]) -> frozenset[tuple[str, str]]:
    """The roles and names of those that have a name: what came and went alike was built anew."""
    return frozenset((node.role, node.name) for _, _, node in found if node.name)


def updates(context: Context) -> Iterator[tuple[Edit, Node, dict[str, Change]]]:
    """Each node that changed in more than live values: the edit, the node now, changes by field."""
    for judged in context.edits:
        if judged.edit.kind is EditKind.UPDATE and not judged.volatile:
            node = context.capture.nodes[judged.edit.target]
            yield judged.edit, node, {change.field: change for change in judged.edit.changes}


def gained_states(changes: dict[str, Change]) -> frozenset[str]:
    """The state words that are new."""
    change = changes.get("states")
    if change is None:
        return frozenset()
    old = change.old if isinstance(change.old, tuple) else ()
    new = change.new if isinstance(change.new, tuple) else ()
    return frozenset(map(str, new)) - frozenset(map(str, old))


def among_rows(tree: Tree, index: int) -> bool:
    """Whether node `index` stands within a row, list item or the like."""
    for _ in range(_MAX_ANCESTORS):
        index = tree.parents[index]
        if index < 0:
            return False
        if tree.nodes[index].role in REPEATING:
            return True
    return False


def called(node: Node) -> str:
    """How a sentence names a node."""
    if node.name:
        return f"{node.role} {quoted(node.name)}"
    return f"{'an' if node.role[:1] in 'aeio' else 'a'} {node.role} without a name"


def renamed(old: Node, new: Node) -> tuple[str, str]:
    """How a sentence names a node whose name is another one now, and that name."""
    before, after = quoted_pair(old.name, new.name)
    return (f"{old.role} {before}" if old.name else called(old)), after


class Reporter:
    """Makes one detector's findings, with paths in the right tree."""

    def __init__(self, detector: str, context: Context) -> None:
        self._detector = detector
        self._old, self._new = paths_of(context.script, baseline_of(context), context.capture)

    def gone(self, code: str, severity: Severity, message: str, node: int) -> Finding:
        """A finding about a node of the baseline that is not there any more."""
        return Finding(self._detector, code, severity, message, self._old.path(node), node)

    def here(
        self, code: str, severity: Severity, message: str, target: int, node: int = -1
    ) -> Finding:
        """A finding about a node of the capture."""
        path = self._new.path(target)
        return Finding(self._detector, code, severity, message, path, node, target)
