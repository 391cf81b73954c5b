"""What the commands have in common: their options, their client, their exit status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

import click

from systemzero.diff.v1 import drift_service_pb2
from systemzero_client.cli.exits import Exit
from systemzero_client.cli.output import Output
from systemzero_client.cli.problems import Problem, describe
from systemzero_client.cli.profiles import Wanted, open_client, resolve
from systemzero_client.client import Client
from systemzero_client.errors import SystemZeroError
from systemzero_core.formats import Format

T = TypeVar("T")

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

json_option = click.option(
    "as_json", "--json", is_flag=True, help="Print JSON, one object a line; see docs/cli.md."
)

_PATH = click.Path(dir_okay=False)


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
    click.option("--ca-file", default="", type=_PATH, help="PEM to trust."),
    click.option("--certificate", default="", type=_PATH, help="PEM of a certificate to show."),
    click.option("--certificate-key", default="", type=_PATH, help="PEM of its private key."),
)

_SERVER_OPTIONS = (
    click.option("--server", default="", metavar="HOST:PORT", help="The server to talk to."),
    click.option("--profile", default="", metavar="NAME", help="What `sz login` stored under it."),
    click.option(
        "--api-key-file",
        default="",
        type=_PATH,
        help="A file with the API key to use instead of the stored one.",
    ),
    tls_options,
    click.option(
        "--timeout",
        default=30.0,
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="How long a call may take (30).",
    ),
)


class Remote:
    """What a command that needs a server gets: a client and an output."""

    def __init__(self, client: Client, output: Output) -> None:
        self.client = client
        self.output = output


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that name a server; the command gets them as one `wanted`."""

    @wraps(command)
    def run(**given: Any) -> Any:
        wanted = Wanted(**{name: given.pop(name) for name in Wanted.__struct_fields__})
        return command(wanted=wanted, **given)

    for option in reversed(_SERVER_OPTIONS):
        run = option(run)
    return run


def run_remote(
    wanted: Wanted, output: Output, session: Callable[[Remote], Coroutine[Any, Any, T]]
) -> T:
    """What `session` returns, run with a client of the server that is wanted.

    Raises:
        Problem: there is no such server or key, or a call failed.
    """
    profile = resolve(wanted)

    async def run() -> T:
        async with open_client(profile, wanted.timeout) as client:
            return await session(Remote(client, output))

    try:
        return asyncio.run(run())
    except SystemZeroError as error:
        raise Problem(describe(error, profile.server)) from error


def remote(command: Callable[..., Coroutine[Any, Any, Exit | None]]) -> Callable[..., Exit]:
    """A command over a server: it gets a `Remote` first, its status becomes the process's."""

    @server_options
    @json_option
    @wraps(command)
    def run(wanted: Wanted, as_json: bool, **rest: Any) -> Exit:
        found = run_remote(wanted, Output(as_json=as_json), lambda r: command(r, **rest))
        return found or Exit.UNCHANGED

    return run


async def first(items: AsyncGenerator[T], limit: int | None) -> AsyncIterator[T]:
    """At most `limit` of `items`, which are closed then."""
    async with aclosing(items):
        taken = 0
        async for item in items:
            yield item
            taken += 1
            if taken == limit:
                return


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


SCOPES = {
    name.removeprefix("DECISION_SCOPE_").lower(): value
    for name, value in drift_service_pb2.DecisionScope.items()
    if value
}


def decision_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what every decision has: a reason and a scope."""
    scope = click.option(
        "--scope",
        type=click.Choice(list(SCOPES)),
        default="screen",
        help="How far it reaches (screen).",
    )
    reason = click.option("--reason", required=True, help="Why; it goes into the log.")
    return reason(scope(command))
