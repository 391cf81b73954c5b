"""`sz diff`: two captures compared on this machine alone."""

from __future__ import annotations

import click
import msgspec

from systemzero_client.cli import terminal
from systemzero_client.cli.exits import Exit
from systemzero_client.cli.files import Parts, read_capture, stdin_once
from systemzero_client.cli.options import format_option, json_option
from systemzero_client.cli.output import Output
from systemzero_client.cli.problems import Problem, describe
from systemzero_client.cli.terminal import Marked, note
from systemzero_client.plugins import take_in_document
from systemzero_core.diff import EditScript, diff, to_json
from systemzero_core.errors import DomainError
from systemzero_core.grouping import render_telling, tell
from systemzero_core.intake import Intake, equal

_INCONCLUSIVE = "inconclusive: an incomplete capture can't be called equal or different"


class Comparison(msgspec.Struct, frozen=True):
    """What `sz diff --json` prints; `script` is the edit script, see docs/cli.md.

    `equal` is never true where `incomplete` names a reason.
    """

    a: str
    b: str
    equal: bool
    incomplete: dict[str, tuple[Incompleteness, ...]]
    script: msgspec.Raw


class Incompleteness(msgspec.Struct, frozen=True):
    """Why a capture can't be judged: a word for programs, a sentence for people."""

    reason: str
    detail: str


@click.command("diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@format_option("Format of both")
@click.option("all_edits", "--all", is_flag=True, help="Show the edits in each line.")
@json_option
def diff_command(a: str, b: str, form: str | None, all_edits: bool, as_json: bool) -> Exit:
    """Compare two captures, without any server.

    Shows what turns the normal form of A into that of B; edits that are one change are one line.
    Exit status 0: equal, 1: they differ, 3: a capture is incomplete, so that nobody can tell.
    """
    stdin_once((a, b))
    before, after = _take_in(a, form), _take_in(b, form)
    script = diff(before.tree, after.tree)
    output = Output(as_json=as_json)
    if as_json:
        gaps = {"a": _reasons(before), "b": _reasons(after)}
        found = Comparison(a, b, equal(before, after), gaps, msgspec.Raw(to_json(script)))
        terminal.json_line(msgspec.json.encode(found).decode())
    else:
        shown = _told(script, opened=all_edits, colour=output.colour)
        output.result({}, _lines(before, after, script, shown))
    if before.incompleteness or after.incompleteness:
        return Exit.UNDECIDED
    return Exit.DRIFT if script else Exit.UNCHANGED


def _reasons(taken: Intake) -> tuple[Incompleteness, ...]:
    return tuple(Incompleteness(*reason) for reason in taken.incompleteness)


def _told(script: EditScript, *, opened: bool, colour: bool) -> list[str]:
    """What differs, as text, and how much that is."""
    telling = tell(script.edits)
    counts = [(len(script.edits), "edit"), (len(telling.lines), "line")]
    edits, lines = (f"{count} {noun if count == 1 else noun + 's'}" for count, noun in counts)
    found: list[str] = [
        Marked(render_telling(telling, script.edits, opened=opened, colour=colour)),
        f"{edits} in {lines}" if len(script.edits) > len(telling.lines) else edits,
    ]
    return [*found, f"! degraded: {script.degraded}"] if script.degraded else found


def _lines(before: Intake, after: Intake, script: EditScript, shown: list[str]) -> list[str]:
    whole = not before.incompleteness and not after.incompleteness
    if not script:
        return ["no differences" if whole else _INCONCLUSIVE]
    if whole:
        return shown
    # What an edit script says of nothing is that everything came or went.
    return [*(shown if before.tree.nodes and after.tree.nodes else ()), _INCONCLUSIVE]


def _take_in(name: str, form: str | None) -> Intake:
    document = read_capture(name, Parts(form))
    try:
        taken = take_in_document(document)
    except DomainError as error:
        raise Problem(f"{name}: {describe(error)}") from error
    for reason in taken.incompleteness:
        note(f"sz diff: {name} is incomplete: {reason.detail}")
    return taken
