"""The manipulative detector: changes that turn a screen against the person before it.

It looks at what changed since the approved baseline; what stood there then was approved with it.
`inspect` looks at a whole tree, for when a baseline is made. A finding is a hint for a person, and
cites the node.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from systemzero_core.diff import Change, Edit, EditKind
from systemzero_core.diff.paths import Paths
from systemzero_core.drift.detectors.lexicon import (
    CONFIRM_SHAMING,
    CONSENT,
    DECLINE,
    FEE,
    TOTAL,
    URGENCY,
)
from systemzero_core.drift.detectors.reading import (
    Reporter,
    added,
    baseline_of,
    called,
    gained_states,
    removed,
    renamed,
)
from systemzero_core.drift.model import Context, Finding, Severity
from systemzero_core.roles import CONTROLS
from systemzero_core.template.shapes import Shape, pieces_at_most, tokens
from systemzero_core.tree import Node, Tree

_ON = frozenset(("checked", "pressed", "selected"))
_BOXES = frozenset(("checkbox", "switch", "radio", "menuitemcheckbox"))
_MAX_READ = 500
_MAX_READ_IN_ALL = 2_000_000
_AMOUNT_STEPS = 20
# Whatever spells a currency, and more: what has none of these is no amount of money.
_MAYBE_MONEY = re.compile(
    r"[^\x00-\x7f]|\$|usd|eur|gbp|jpy|chf|cny|inr|sek|nok|dkk|pln|czk|cad|aud|kr", re.IGNORECASE
)
_AMOUNT = re.compile(r"[\d.,'\u2019\u00a0\u202f ]*\d")


class ManipulativeDetector:
    """Codes: `decline_removed`, `decline_hidden`, `decline_renamed`, `decline_demoted`,
    `consent_prechecked`, `consent_disguised`, `confirm_shaming`, `urgency`, `late_fee`,
    `price_raised`; `unread` where more changed than is read.
    """  # noqa: D205

    name = "manipulative"

    def __call__(self, context: Context) -> Iterator[Finding]:
        """What it sees."""
        if not context.edits:
            return
        report = Reporter(self.name, context)
        context, left_out = _readable(context)
        if left_out:
            message = f"more changed than is read: {left_out} changes were not looked at for signs"
            yield Finding(self.name, "unread", Severity.WARNING, message)
        yield from _lost_ways_out(report, context)
        for judged in context.edits:
            if judged.edit.kind is EditKind.UPDATE:
                yield from _changed(report, context, judged.edit)
        baseline = baseline_of(context)
        known = {(node.role, node.name) for node in baseline.nodes}
        for _, index, node in added(context):
            for code, message in _signs(context.capture, index, node):
                if (node.role, node.name) not in known or code == "consent_prechecked":
                    yield report.here(code, _SEVERITIES[code], message, index)


def _readable(context: Context) -> tuple[Context, int]:
    """The context with as many of its edits as are read, and how many are left out."""
    left = _MAX_READ_IN_ALL
    baseline = baseline_of(context)
    for k, judged in enumerate(context.edits):
        edit = judged.edit
        nodes = edit.nodes
        if edit.kind is EditKind.UPDATE:
            nodes = (baseline.nodes[edit.node], context.capture.nodes[edit.target])
        for node in nodes:
            left -= _reading(node.name) + _reading(node.value)
        if left < 0:
            edits = context.edits[:k]
            return msgspec.structs.replace(context, edits=edits), len(context.edits) - k
    return context, 0


def _reading(text: str) -> int:
    """What reading a text takes: a step a character, some more for what may be an amount."""
    read = text[:_MAX_READ]
    return len(read) + (_AMOUNT_STEPS * pieces_at_most(read) if _MAYBE_MONEY.search(read) else 0)


_SEVERITIES = {
    "consent_prechecked": Severity.CRITICAL,
    "confirm_shaming": Severity.WARNING,
    "urgency": Severity.WARNING,
    "late_fee": Severity.WARNING,
}


def inspect(tree: Tree) -> tuple[Finding, ...]:
    """Signs of manipulation that a tree has by itself, for a person who is about to approve it."""
    paths = Paths(tree)
    return tuple(
        Finding("manipulative", code, Severity.INFO, message, paths.path(i), target=i)
        for i, node in enumerate(tree.nodes)
        for code, message in _signs(tree, i, node)
    )


def _signs(tree: Tree, index: int, node: Node) -> Iterator[tuple[str, str]]:
    name = node.name[:_MAX_READ]
    if node.role in _BOXES and "checked" in node.states and CONSENT.search(name):
        yield "consent_prechecked", f"{called(node)} is already checked"
    if not name:
        if node.role == "timer":
            yield "urgency", "a timer counts down"
        return
    if node.role in CONTROLS and CONFIRM_SHAMING.search(name):
        yield "confirm_shaming", f"{called(node)} words declining so that it shames"
    if node.role not in ("link", "heading") and URGENCY.search(name):
        yield "urgency", f"{called(node)} presses for time"
    if FEE.search(name) and _costs(tree, index, name):
        yield "late_fee", f"{called(node)} adds a cost"


def _costs(tree: Tree, index: int, name: str) -> bool:
    """Whether an amount of money stands in the text or right beside it."""
    near = [name, tree.nodes[index].value]
    near += [node.name for node in tree.nodes[max(index - 2, 0) : index + 4]]
    texts = [text[:_MAX_READ] for text in near if _MAYBE_MONEY.search(text[:_MAX_READ])]
    return any(shape is Shape.MONEY for text in texts for shape, _ in tokens(text))


def _lost_ways_out(report: Reporter, context: Context) -> Iterator[Finding]:
    ways = {n.name for n in context.capture.nodes if n.role in CONTROLS}
    texts = {n.name for n in context.capture.nodes}
    for _, index, node in removed(context):
        if node.role not in CONTROLS or not DECLINE.search(node.name[:_MAX_READ]):
            continue
        if node.name in ways:
            continue
        if node.name in texts:
            message = f"{called(node)} is only text now"
            yield report.gone("decline_demoted", Severity.CRITICAL, message, index)
        else:
            message = f"{called(node)} is gone: a way out was removed"
            yield report.gone("decline_removed", Severity.CRITICAL, message, index)


def _changed(report: Reporter, context: Context, edit: Edit) -> Iterator[Finding]:
    old, new = baseline_of(context).nodes[edit.node], context.capture.nodes[edit.target]
    changes = {change.field: change for change in edit.changes}
    for code, severity, message in _verdicts(old, new, changes):
        yield report.here(code, severity, message, edit.target, edit.node)
    if "name" in changes:
        before = {code for code, _ in _signs(baseline_of(context), edit.node, old)}
        for code, message in _signs(context.capture, edit.target, new):
            if code not in before and code != "consent_prechecked":
                yield report.here(code, _SEVERITIES[code], message, edit.target, edit.node)


def _verdicts(
    old: Node, new: Node, changes: dict[str, Change]
) -> Iterator[tuple[str, Severity, str]]:
    gained = gained_states(changes)
    if old.role in CONTROLS and DECLINE.search(old.name[:_MAX_READ]):
        yield from _way_out(old, new, changes, gained)
    if CONSENT.search(old.name[:_MAX_READ]) or CONSENT.search(new.name[:_MAX_READ]):
        if gained & _ON:
            yield (
                "consent_prechecked",
                Severity.CRITICAL,
                f"{called(new)} is checked beforehand now",
            )
        if old.role in _BOXES and new.role not in _BOXES:
            message = f"{called(old)} asked for consent and is a {new.role} now"
            yield "consent_disguised", Severity.CRITICAL, message
    if not TOTAL.search(f"{old.name} {new.name}"[:_MAX_READ]):
        return
    raised = _raised(old.name, new.name) or _raised(old.value, new.value)
    if raised:
        yield (
            "price_raised",
            Severity.WARNING,
            f"{called(old)} rose from {raised[0]} to {raised[1]}",
        )


def _way_out(
    old: Node, new: Node, changes: dict[str, Change], gained: frozenset[str]
) -> Iterator[tuple[str, Severity, str]]:
    if gained & {"hidden", "disabled"}:
        yield "decline_hidden", Severity.CRITICAL, f"{called(old)}, a way out, is out of reach"
    if "role" in changes and (new.role not in CONTROLS or new.role == "link"):
        yield "decline_demoted", Severity.WARNING, f"{called(old)} is only a {new.role} now"
    if "name" in changes and not DECLINE.search(new.name[:_MAX_READ]):
        before, after = renamed(old, new)
        what = f"is called {after} now" if new.name else "lost its name"
        message = f"{before}, a way out, {what}"
        yield "decline_renamed", Severity.WARNING, message


def _raised(old: str, new: str) -> tuple[str, str] | None:
    """The first amount of money that is higher than it was, before and after."""
    before, after = _amounts(old), _amounts(new)
    if len(before) != len(after):
        return None
    for (a, old_amount), (b, new_amount) in zip(before, after, strict=True):
        if new_amount > old_amount:
            return a, b
    return None


def _amounts(text: str) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    if not _MAYBE_MONEY.search(text[:_MAX_READ]):
        return found
    for shape, piece in tokens(text[:_MAX_READ]):
        digits = _AMOUNT.search(piece) if shape is Shape.MONEY else None
        if digits:
            found.append((piece, _number(digits.group())))
    return found


def _number(text: str) -> float:
    """`1.234,50` and `1,234.50` alike: the last separator before one or two digits is decimal."""
    whole, cents = text, ""
    for separator in ".,":
        head, found, tail = text.rpartition(separator)
        if found and len(tail) <= 2 and tail.isdigit():
            whole, cents = head, tail
            break
    digits = "".join(character for character in whole if character.isdigit())
    return float(f"{digits or 0}.{cents or 0}")
