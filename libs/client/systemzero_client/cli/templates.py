"""`sz learn` and `sz templates`: the approved baselines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from systemzero_client.cli import terminal
from systemzero_client.cli.exits import Exit
from systemzero_client.cli.files import expand, read_capture, read_file
from systemzero_client.cli.options import ListingGroup
from systemzero_client.cli.output import to_dict
from systemzero_client.cli.problems import Problem
from systemzero_client.cli.remote import Remote, remote
from systemzero_client.cli.text import printable, time_text
from systemzero_client.errors import SystemZeroError
from systemzero_client.writing import write_whole

if TYPE_CHECKING:
    from systemzero.diff.v1 import template_pb2

_CAPTURE_FIELD = re.compile(r"captures\[([0-9]+)\](?:\.native(?=:))?")


@click.command()
@click.argument("screen")
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option("--app", default="", help="The application's name.")
@click.option("--next", "transitions", multiple=True, help="A screen that may follow this one.")
@remote
async def learn(
    remote: Remote, screen: str, files: tuple[str, ...], app: str, transitions: tuple[str, ...]
) -> None:
    """Learn SCREEN from good captures of it; what varies between them is not drift.

    Of a screen that is known already, a new version is learnt, which adds to the one before.
    """
    names = list(expand(files))
    captures = [read_capture(name) for name in names]
    try:
        template = await remote.client.learn(
            screen, captures, app=app, valid_transitions=transitions
        )
    except SystemZeroError as error:
        raise _with_file(error, names) from error
    lines = [f"LEARNT {_line(template)}"]
    lines += [
        f"  {printable(i.sentence)} ({i.support} of {i.total} captures)"
        for i in template.inferences
    ]
    lines += _noise_lines(template)
    remote.output.result({"template": to_dict(template)}, lines)


def _with_file(error: SystemZeroError, names: list[str]) -> SystemZeroError | Problem:
    """The error with the name of the file that the service knows as `captures[3]` alone."""
    found = _CAPTURE_FIELD.match(error.message)
    if found is None or int(found[1]) >= len(names):
        return error
    return Problem(f"{names[int(found[1])]}{error.message[found.end() :]}")


@click.group(cls=ListingGroup)
def templates() -> None:
    """List, show, export, import, check and delete templates."""


@templates.command("list")
@click.option("--app", default="", help="Only those of an application.")
@remote
async def list_(remote: Remote, app: str) -> None:
    """List the templates by screen."""
    async for template in remote.client.templates.list(app=app):
        remote.output.result(to_dict(template), [_line(template)])


@templates.command()
@click.argument("template")
@click.option("--version", default=0, help="A version; the newest if not given.")
@remote
async def get(remote: Remote, template: str, version: int) -> None:
    """Show a template, by its id or its screen."""
    found = await remote.client.templates.get(template, version=version)
    lines = [_line(found), f"  {len(found.tree.nodes)} nodes, {len(found.policy.rules)} rules"]
    lines += [f"  rule: {printable(rule.why)}" for rule in found.policy.rules if rule.why]
    lines += _noise_lines(found)
    if found.valid_transitions:
        lines.append(f"  may be followed by {printable(', '.join(found.valid_transitions))}")
    remote.output.result({"template": to_dict(found)}, lines)


@templates.command()
@click.argument("template")
@click.option("--version", default=0, help="A version; the newest if not given.")
@click.option("target", "-o", "--output", default="-", help="A file; standard output if not given.")
@remote
async def export(remote: Remote, template: str, version: int, target: str) -> None:
    """Write a template as YAML."""
    yaml = await remote.client.templates.export_yaml(template, version=version)
    if target != "-":
        write_whole(Path(target), yaml)
    elif remote.output.as_json:
        remote.output.result({"yaml": yaml.decode()}, ())
    else:
        with terminal.document() as write:
            write(yaml)


@templates.command("import")
@click.argument("file")
@remote
async def import_(remote: Remote, file: str) -> None:
    """Make a template, or a new version of it, from a YAML file."""
    template = await remote.client.templates.import_yaml(read_file(file))
    remote.output.result({"template": to_dict(template)}, [f"IMPORTED {_line(template)}"])


@templates.command()
@click.argument("file")
@remote
async def validate(remote: Remote, file: str) -> Exit:
    """Say everything that is wrong with a YAML file; nothing is stored."""
    found = await remote.client.templates.validate(read_file(file))
    violations = [{"field": v.field, "description": v.description} for v in found]
    lines = [f"{printable(v.field)}: {printable(v.description)}" for v in found] or ["valid"]
    remote.output.result({"valid": not found, "violations": violations}, lines)
    return Exit.ERROR if found else Exit.UNCHANGED


@templates.command()
@click.argument("template")
@remote
async def delete(remote: Remote, template: str) -> None:
    """Take a template out of matching; its versions stay readable."""
    found = await remote.client.templates.get(template)
    await remote.client.templates.delete(found.template_id, etag=found.etag)
    remote.output.result({"deleted": found.template_id}, [f"DELETED {_line(found)}"])


def _line(template: template_pb2.Template) -> str:
    return (
        f"{printable(template.screen_id)}  {template.template_id}  version {template.version}  "
        f"{time_text(template.create_time)}"
    )


def _noise_lines(template: template_pb2.Template) -> list[str]:
    if not template.HasField("noise"):
        return []
    noise = template.noise
    counted = f"{noise.alarms} of {noise.held_out} good captures would have alarmed"
    rate = f"{noise.alarms_per_thousand:g} per thousand, at most"
    return [f"  noise: {counted} ({rate} {noise.alarms_per_thousand_at_most:g})"]
