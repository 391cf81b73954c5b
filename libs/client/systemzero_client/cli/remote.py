"""Commands over a server: the options that name it, the client, the session that uses it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from systemzero_client.cli.exits import Exit
from systemzero_client.cli.options import PATH, json_option, tls_options
from systemzero_client.cli.output import Output
from systemzero_client.cli.problems import Problem, describe
from systemzero_client.errors import SystemZeroError

if TYPE_CHECKING:
    from systemzero_client.client import Client

T = TypeVar("T")


class Wanted(NamedTuple):
    """What the flags of a command say; empty where nothing was said."""

    server: str = ""
    profile: str = ""
    api_key_file: str = ""
    plaintext: bool = False
    ca_file: str = ""
    certificate: str = ""
    certificate_key: str = ""
    timeout: float = 30.0


_SERVER_OPTIONS = (
    click.option("--server", default="", metavar="HOST:PORT", help="The server to talk to."),
    click.option("--profile", default="", metavar="NAME", help="What `sz login` stored under it."),
    click.option(
        "--api-key-file",
        default="",
        type=PATH,
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
        wanted = Wanted(**{name: given.pop(name) for name in Wanted._fields})
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
    from systemzero_client.cli.profiles import open_client, resolve

    profile = resolve(wanted)

    async def run() -> T:
        async with open_client(profile, wanted.timeout) as client:
            return await session(Remote(client, output))

    return run_session(run(), profile.server)


def run_session(session: Coroutine[Any, Any, T], server: str) -> T:
    """What `session` returns, run to its end.

    Raises:
        Problem: a call of `server` failed.
    """
    import asyncio

    try:
        return asyncio.run(session)
    except SystemZeroError as error:
        raise Problem(describe(error, server)) from error


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
