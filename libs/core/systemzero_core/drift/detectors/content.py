"""The content detector: names, headings and link targets that changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from systemzero_core.characters import apart
from systemzero_core.diff import Change
from systemzero_core.diff.quoting import quoted
from systemzero_core.diff.renames import is_state
from systemzero_core.drift.detectors.reading import (
    Reporter,
    among_rows,
    baseline_of,
    called,
    removed,
    renamed,
    updates,
)
from systemzero_core.drift.model import Context, Finding, Severity
from systemzero_core.roles import CONTROLS, FORM_CONTROLS
from systemzero_core.template.shapes import Shape, tokens
from systemzero_core.tree import Node

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_PRICED = re.compile(r"\d ?%")
_HOST = re.compile(r"(?:[a-z][a-z0-9+.\-]{0,30}:)?//([^/?#]{0,255})", re.IGNORECASE)


class ContentDetector:
    """Codes: `control_renamed`, `heading_changed`, `heading_removed`, `link_host_changed`,
    `link_target_changed`, `name_lost`.
    """  # noqa: D205

    name = "content"

    def __call__(self, context: Context) -> Iterator[Finding]:
        """What it sees."""
        if not context.edits:
            return
        report = Reporter(self.name, context)
        baseline = baseline_of(context)
        for edit, node, changes in updates(context):
            yield from _renamed(report, baseline.nodes[edit.node], node, edit.node, edit.target)
            url = changes.get("attributes.url") or changes.get("attributes.href")
            if url is not None:
                yield _retargeted(report, node, url, edit.node, edit.target)
        for _, index, node in removed(context):
            if node.role == "heading" and not among_rows(baseline, index):
                message = f"{called(node)} was removed"
                yield report.gone("heading_removed", Severity.INFO, message, index)


def _renamed(report: Reporter, old: Node, new: Node, index: int, target: int) -> Iterator[Finding]:
    if old.name == new.name:
        return
    before, after = renamed(old, new)
    if old.role in CONTROLS and not new.name:
        message = f"{called(old)} lost its name: assistive technology cannot say what it does"
        yield report.here("name_lost", Severity.WARNING, message, target, index)
    elif old.role in FORM_CONTROLS:
        state = is_state(old.name, new.name)
        message = (
            f"{old.role} now says {after}, where it said {quoted(old.name)}"
            if state
            else f"{before} is now called {after}"
        )
        yield report.here("control_renamed", Severity.WARNING, message, target, index)
    elif old.role == "heading":
        top = old.attribute("level") == "1"
        message = f"{before} now reads {after}" if new.name else f"{before} lost its text"
        counted = bool(new.name) and _only_numbers_differ(old.name, new.name)
        severity = Severity.WARNING if top and not counted else Severity.INFO
        yield report.here("heading_changed", severity, message, target, index)


def _only_numbers_differ(old: str, new: str) -> bool:
    """Whether two headings are one that counts, or names a version; prices and rates are none."""
    if any(_PRICED.search(text) or Shape.MONEY in dict(tokens(text)) for text in (old, new)):
        return False
    return _NUMBER.sub("#", old) == _NUMBER.sub("#", new)


def _retargeted(report: Reporter, node: Node, url: Change, index: int, target: int) -> Finding:
    old, new = _host(url.old), _host(url.new)
    if old != new:
        message = f"{called(node)} now leads to {new or 'this site'}, no longer to {old or 'it'}"
        return report.here("link_host_changed", Severity.WARNING, message, target, index)
    message = f"{called(node)} leads to another page of the same site"
    return report.here("link_target_changed", Severity.INFO, message, target, index)


def _host(url: object) -> str:
    found = _HOST.match(url) if isinstance(url, str) else None
    return apart(found.group(1), str.lower) if found else ""
