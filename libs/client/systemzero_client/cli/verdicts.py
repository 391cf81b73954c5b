"""Verdicts and events as people read them, and the status that stands for a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import click

from systemzero.diff.v1 import drift_service_pb2, edit_script_pb2, verdict_pb2
from systemzero_client.cli.exits import Exit
from systemzero_client.cli.terminal import Marked
from systemzero_client.cli.text import indented, printable, time_text, word
from systemzero_client.telling import decode_edit, steps
from systemzero_core.diff import PathStep, format_path
from systemzero_core.drift import JudgedEdit, render_judged
from systemzero_core.grouping import Line, line_lines, tell

MAX_LINES = 20
"""Lines, and findings, of one verdict that are shown unless all are asked for."""
_MAX_NODES = 5
"""Nodes of one edit's subtree that are shown unless all are asked for."""

_KINDS = {
    verdict_pb2.VERDICT_KIND_UNCHANGED: ("UNCHANGED", "green"),
    verdict_pb2.VERDICT_KIND_DRIFT: ("DRIFT", "red"),
    verdict_pb2.VERDICT_KIND_UNKNOWN_SCREEN: ("UNKNOWN_SCREEN", "magenta"),
    verdict_pb2.VERDICT_KIND_INCONCLUSIVE: ("INCONCLUSIVE", "cyan"),
}
_OF_KIND = {
    verdict_pb2.VERDICT_KIND_UNCHANGED: Exit.UNCHANGED,
    verdict_pb2.VERDICT_KIND_DRIFT: Exit.DRIFT,
    verdict_pb2.VERDICT_KIND_UNKNOWN_SCREEN: Exit.UNDECIDED,
    verdict_pb2.VERDICT_KIND_INCONCLUSIVE: Exit.UNDECIDED,
}


def of_verdict(verdict: verdict_pb2.Verdict) -> Exit:
    """The status of one verdict; a kind that this version does not know is undecided."""
    return _OF_KIND.get(verdict.kind, Exit.UNDECIDED)


def severity_name(severity: int) -> str:
    """`critical`; empty where there is none."""
    return word(verdict_pb2.Severity, severity, "SEVERITY_") if severity else ""


def kind_name(kind: int) -> str:
    """`UNKNOWN_SCREEN`."""
    return word(verdict_pb2.VerdictKind, kind, "VERDICT_KIND_").upper()


def decision_scope(name: str) -> drift_service_pb2.DecisionScope.ValueType:
    """The scope of this name."""
    return drift_service_pb2.DecisionScope.Value(f"DECISION_SCOPE_{name.upper()}")


def verdict_lines(
    verdict: verdict_pb2.Verdict, subject: str, *, all_edits: bool = False, colour: bool = False
) -> list[str]:
    """A verdict: its line, why, what changed, what was found, and where it is recorded.

    Args:
        verdict: what to show.
        subject: what it is about: a file's name.
        all_edits: show more than `MAX_LINES`, and the edits in each line.
        colour: with ANSI colours.
    """
    name, hue = _KINDS.get(verdict.kind, (f"KIND {verdict.kind}", "white"))
    head = click.style(name, fg=hue, bold=True) if colour else name
    severity = severity_name(verdict.severity)
    lines: list[str] = [Marked(" ".join(filter(None, (head, severity, printable(subject)))))]
    lines.append(f"  {printable(verdict.explanation)}{_similarity(verdict)}")
    lines += [f"  over it: {printable(overlay.sentence)}" for overlay in verdict.overlays]
    if verdict.beneath:
        lines.append(f"  the screen by itself: {kind_name(verdict.beneath)}")
    lines += _edit_lines(verdict.script, all_edits=all_edits, colour=colour)
    findings = verdict.findings if all_edits else verdict.findings[:MAX_LINES]
    lines += [line for finding in findings for line in _finding_lines(finding)]
    lines += _more(len(verdict.findings) - len(findings), verdict.more_findings, "findings")
    if verdict.decision_ids:
        lines.append(f"  decided before: {', '.join(verdict.decision_ids)}")
    if verdict.event_id:
        lines.append(f"  event {verdict.event_id}  log index {verdict.log_index}")
    return lines


def event_lines(event: drift_service_pb2.DriftEvent, *, full: bool = False) -> list[str]:
    """An event in a line; `full` adds its verdict and what was decided."""
    state = word(drift_service_pb2.EventState, event.state, "EVENT_STATE_")
    where = " / ".join(filter(None, (event.app, event.screen_id)))
    script = event.verdict.script
    changes = f"{len(script.edits) + script.more_edits} changes{_changes(script)}"
    if not full and event.HasField("decision") and script.more_edits:
        changes = f"{len(script.edits)} changes, {script.more_edits} more stay open"
    if event.HasField("erase_time"):
        changes = "erased"
    line = (
        f"{event.event_id}  {time_text(event.create_time)}  {state:8}  "
        f"{severity_name(event.verdict.severity):8}  {printable(where)}  "
        f"{changes}  log index {event.log_index}"
    )
    if not full:
        return [line]
    lines = [line]
    if event.HasField("decision"):
        decision = event.decision
        lines.append(
            f"  {state} by {decision.principal}: {printable(decision.reason)}"
            + (
                f" (until {time_text(decision.expire_time)})"
                if decision.expire_time.seconds
                else ""
            )
        )
        if script.more_edits:
            lines.append(
                f"  {len(script.edits)} changes are shown and decided about; "
                f"{script.more_edits} more stay open"
            )
    return lines


def _similarity(verdict: verdict_pb2.Verdict) -> str:
    if verdict.kind != verdict_pb2.VERDICT_KIND_DRIFT:
        return ""
    return f" (similarity {verdict.similarity:.2f})"


def _edit_lines(script: edit_script_pb2.EditScript, *, all_edits: bool, colour: bool) -> list[str]:
    """The summary and the lines of a script; with `all_edits`, each with the edits in it."""
    if not script.edits:
        return []
    judged = [decode_edit(edit) for edit in script.edits]
    telling = tell([each.edit for each in judged])
    shown = telling.lines if all_edits else telling.lines[:MAX_LINES]
    lines: list[str] = []
    if len(telling.lines) > 1:
        lines.append(f"  {printable(telling.summary)}")
    for line in shown:
        lines += _line(line, script, judged, opened=all_edits, colour=colour)
    if script.degraded:
        lines.append(f"  ! degraded: {printable(script.degraded)}")
    closed = sum(len(line.edits) > 1 for line in shown) if not all_edits else 0
    if closed and len(shown) == len(telling.lines):
        lines.append(f"  {len(judged)} edits in {len(shown)} lines; `--all` shows them")
    return lines + _more(len(telling.lines) - len(shown), script.more_edits, "changes")


def _line(
    line: Line,
    script: edit_script_pb2.EditScript,
    judged: Sequence[JudgedEdit],
    *,
    opened: bool,
    colour: bool,
) -> Iterator[str]:
    edits = [each.edit for each in judged]
    note = f"(similarity -{sum(judged[at].weight for at in line.edits):.2%})"
    if all(judged[at].volatile for at in line.edits):
        note = f"{note[:-1]}, a live value)"
    for text in line_lines(line, edits, note, colour=colour):
        yield Marked(f"  {text}")
    if len(line.edits) == 1 and not (opened and line.sentence != edits[line.edits[0]].sentence):
        yield from _content_lines(script.edits[line.edits[0]], all_nodes=opened)
        return
    for at in line.edits if opened else ():
        yield from map(Marked, indented(render_judged([judged[at]], colour=colour), "      "))
        yield from _content_lines(script.edits[at], all_nodes=True)
    partial = sum(script.edits[at].partial for at in line.edits)
    if partial and not opened:
        yield f"      {partial} of them not shown whole: no approval and no snooze covers those"


def _content_lines(edit: edit_script_pb2.Edit, *, all_nodes: bool) -> Iterator[str]:
    """What came or went with an edit's own node, and whether all of the edit is shown."""
    named = edit.kind in (edit_script_pb2.EDIT_KIND_INSERT, edit_script_pb2.EDIT_KIND_DELETE)
    nodes = edit.nodes[1:] if named else edit.nodes  # the first is in the sentence
    shown = nodes if all_nodes else nodes[:_MAX_NODES]
    for node in shown:
        yield f"        {printable(format_path([PathStep(node.role, node.name)]))}"
    for line in _more(len(nodes) - len(shown), edit.more_nodes, "nodes"):
        yield f"      {line}"
    if edit.partial:
        yield "      not shown whole: no approval and no snooze covers it"


def _changes(script: edit_script_pb2.EditScript) -> str:
    partial = sum(edit.partial for edit in script.edits)
    return f" ({partial} not shown whole)" if partial else ""


def _more(hidden: int, cut: int, what: str) -> list[str]:
    """What is not shown: by this command, and by the verdict, which is bounded."""
    lines = [f"  … and {_counted(hidden, what)}; `--all` shows them"] if hidden else []
    return lines + ([f"  … and {_counted(cut, what)} than a verdict shows"] if cut else [])


def _counted(count: int, what: str) -> str:
    return f"{count} more {what.removesuffix('s') if count == 1 else what}"


def _finding_lines(finding: verdict_pb2.Finding) -> Iterable[str]:
    severity = severity_name(finding.severity)
    yield f"  ! {severity} {finding.detector}: {printable(finding.sentence)}"
    if finding.path:
        yield f"      {printable(format_path(steps(finding.path, finding.path_left_out)))}"
