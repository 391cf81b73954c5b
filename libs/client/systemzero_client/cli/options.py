"""What the commands have in common on the command line: options, types, groups that list."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from systemzero_core.formats import Format

DEFAULT_SERVER = "127.0.0.1:50051"
SCOPES = ("node", "subtree", "screen", "app", "tenant")
"""How far a decision may reach, in the contract's words."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

json_option = click.option(
    "as_json", "--json", is_flag=True, help="Print JSON, one object a line; see docs/cli.md."
)

PATH = click.Path(dir_okay=False)


def format_option(said: str) -> Callable[..., Any]:
    """Adds `--format`: a built-in format, or one that is installed where the capture is read."""
    known = ", ".join(form.value for form in Format)
    return click.option("form", "--format", default=None, help=f"{said}: {known}, or a plug-in's.")


def tls_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds how to encrypt, and which certificate to show."""
    for option in reversed(_TLS_OPTIONS):
        command = option(command)
    return command


_TLS_OPTIONS = (
    click.option("--plaintext", is_flag=True, help="Do not encrypt, though it is another machine."),
    click.option("--ca-file", default="", type=PATH, help="PEM to trust."),
    click.option("--certificate", default="", type=PATH, help="PEM of a certificate to show."),
    click.option("--certificate-key", default="", type=PATH, help="PEM of its private key."),
)


def confirmation(prompt: str) -> Callable[..., Any]:
    """Adds `--yes`: what cannot be undone is asked for, and refused where nobody can be asked."""

    def ask(_: click.Context, __: click.Parameter, yes: bool) -> None:
        if yes:
            return
        if not sys.stdin.isatty():
            raise click.UsageError(f"{prompt} Nobody can be asked here; --yes says so")
        click.confirm(prompt, abort=True, err=True)

    said = "Do not ask."
    return click.option("--yes", is_flag=True, callback=ask, expose_value=False, help=said)


class ListingGroup(click.Group):
    """A group that lists where no command is named: `sz keys --json` is `sz keys list --json`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` in front of options, or of nothing."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


def _span(text: str) -> timedelta | None:
    """The span that `text` says, such as `12h`; None where it says none."""
    if text[-1:] in _UNITS and text[:-1].isdecimal() and len(text) < 7:
        return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    return None


class Span(click.ParamType[timedelta]):
    """A span such as `30m`, `12h` or `7d`."""

    name = "span"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """`value` as a span."""
        span = value if isinstance(value, timedelta) else _span(value)
        if span is None:
            self.fail(f"{value!r} is no span (30m, 12h, 7d)")
        return span


class Until(click.ParamType[datetime]):
    """A time: `2026-12-24`, `2026-12-24T18:00Z`, or a span from now on such as `7d` or `12h`."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """`value` as a time in UTC; one without a zone is meant to be in UTC."""
        if isinstance(value, datetime):
            return value
        span = _span(value)
        if span is not None:
            return datetime.now(UTC) + span
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a time (2026-12-24T18:00Z) nor a span (7d, 12h)")
        return time if time.tzinfo else time.replace(tzinfo=UTC)


def decision_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what every decision has: a reason and a scope."""
    scope = click.option(
        "--scope",
        type=click.Choice(SCOPES),
        default="screen",
        help="How far it reaches (screen).",
    )
    reason = click.option("--reason", required=True, help="Why; it goes into the log.")
    return reason(scope(command))
