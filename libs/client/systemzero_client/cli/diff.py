"""`sz diff`: two captures compared on this machine alone."""

from __future__ import annotations

import click
import msgspec

from systemzero_client.cli.exits import Exit
from systemzero_client.cli.files import Parts, read_capture
from systemzero_client.cli.options import format_option, json_option
from systemzero_client.cli.output import Output, note
from systemzero_client.cli.problems import Problem, describe
from systemzero_client.plugins import take_in_document
from systemzero_core.diff import EditScript, diff, render_text, to_json
from systemzero_core.errors import DomainError
from systemzero_core.intake import Intake


class Comparison(msgspec.Struct, frozen=True):
    """What `sz diff --json` prints; `script` is the edit script, see docs/cli.md."""

    a: str
    b: str
    equal: bool
    script: msgspec.Raw


@click.command("diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@format_option("Format of both")
@json_option
def diff_command(a: str, b: str, form: str | None, as_json: bool) -> Exit:
    """Compare two captures, without any server.

    Shows every edit that turns the normal form of A into that of B. Exit status 0: equal, 1: they
    differ.
    """
    before, after = _take_in(a, form), _take_in(b, form)
    script = diff(before.tree, after.tree)
    output = Output(as_json=as_json)
    if as_json:
        found = Comparison(a, b, not script, msgspec.Raw(to_json(script)))
        click.echo(msgspec.json.encode(found))
    else:
        output.result({}, _lines(script, colour=output.colour))
    return Exit.DRIFT if script else Exit.UNCHANGED


def _lines(script: EditScript, *, colour: bool) -> list[str]:
    lines = [render_text(script, colour=colour)]
    if script:
        count = len(script.edits)
        lines.append(f"{count} {'edit' if count == 1 else 'edits'}")
    return lines


def _take_in(name: str, form: str | None) -> Intake:
    document = read_capture(name, Parts(form))
    try:
        taken = take_in_document(document)
    except DomainError as error:
        raise Problem(f"{name}: {describe(error)}") from error
    for reason in taken.incompleteness:
        note(f"sz diff: {name} is incomplete: {reason.detail}")
    return taken
