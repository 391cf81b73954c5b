"""The layout detector: what a person or a program acts on is gone, dead or covered."""

from __future__ import annotations

from collections.abc import Iterator

from systemzero_core.diff.quoting import quoted
from systemzero_core.drift.detectors.reading import (
    Reporter,
    added,
    among_rows,
    baseline_of,
    called,
    gained_states,
    names,
    removed,
    updates,
)
from systemzero_core.drift.model import Context, Finding, Severity
from systemzero_core.roles import CONTROLS, FORM_CONTROLS
from systemzero_core.template.find import Finder
from systemzero_core.template.model import Selector

_COVERING = frozenset(("dialog", "alertdialog"))
_PARTS = frozenset(("form", "main", "navigation", "search"))


class LayoutDetector:
    """Codes: `required_node_missing`, `control_removed`, `control_disabled`, `part_removed`,
    `dialog_appeared`, `role_changed`, `row_count`.
    """  # noqa: D205

    name = "layout"

    def __call__(self, context: Context) -> Iterator[Finding]:
        """What it sees."""
        if not context.edits:
            return
        report = Reporter(self.name, context)
        yield from _missing(self.name, context)
        yield from _removals(report, context)
        yield from _changes(report, context)
        yield from _appearances(report, context)
        yield from _row_counts(report, context)


def _missing(detector: str, context: Context) -> Iterator[Finding]:
    if not context.template.required_nodes:
        return
    for selector in Finder(context.capture).lacking(context.template.required_nodes):
        yield Finding(
            detector,
            "required_node_missing",
            Severity.CRITICAL,
            f"the required {_described(selector)} is missing",
        )


def _described(selector: Selector) -> str:
    role = selector.role or "node"
    return f"{role} {quoted(selector.name)}" if selector.name else role


def _removals(report: Reporter, context: Context) -> Iterator[Finding]:
    baseline = baseline_of(context)
    came = names(added(context))
    still = {(node.role, node.name) for node in context.capture.nodes}
    for _, index, node in removed(context):
        if node.role in _PARTS and (node.role, node.name) not in came:
            message = f"{called(node)} was removed"
            yield report.gone("part_removed", Severity.WARNING, message, index)
        elif (
            node.role in FORM_CONTROLS
            and (node.role, node.name) not in still
            and not among_rows(baseline, index)
        ):
            message = f"{called(node)} was removed"
            yield report.gone("control_removed", Severity.WARNING, message, index)


def _changes(report: Reporter, context: Context) -> Iterator[Finding]:
    baseline, came = baseline_of(context), names(added(context))
    for edit, node, changes in updates(context):
        lost = gained_states(changes) & {"disabled", "hidden"}
        if lost and node.role in CONTROLS:
            message = f"{called(node)} became {' and '.join(sorted(lost))}"
            yield report.here("control_disabled", Severity.WARNING, message, edit.target, edit.node)
        role = changes.get("role")
        if role is not None and (role.old in FORM_CONTROLS or role.new in FORM_CONTROLS):
            old = baseline.nodes[edit.node]
            if (old.role, old.name) in came:
                continue  # it is there, built anew: what took its place is another thing
            message = f"{called(old)} became {_a(node.role)}"
            yield report.here("role_changed", Severity.WARNING, message, edit.target, edit.node)


def _appearances(report: Reporter, context: Context) -> Iterator[Finding]:
    went = names(removed(context))
    for _, index, node in added(context):
        if (node.role, node.name) in went:
            continue  # it was there, built otherwise
        if node.role in _COVERING or "modal" in node.states:
            message = f"{called(node)} appeared over the screen"
            yield report.here("dialog_appeared", Severity.WARNING, message, index)


def _row_counts(report: Reporter, context: Context) -> Iterator[Finding]:
    for (rule, parent), count in context.row_violations.items():
        rows = context.template.policy.rules[rule].rows
        if rows is None or parent < 0:
            continue
        most = "any number" if rows.maximum is None else str(rows.maximum)
        where = called(context.capture.nodes[parent])
        message = f"{where} has {count} rows, where {rows.minimum} to {most} are expected"
        yield report.here("row_count", Severity.WARNING, message, parent)


def _a(role: str) -> str:
    return f"{'an' if role[:1] in 'aeio' else 'a'} {role}"
