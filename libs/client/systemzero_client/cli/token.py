"""`sz token`: tokens. None is taken from the command line, where others could read it."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from systemzero_client.cli.exits import Exit
from systemzero_client.cli.options import Span, confirmation
from systemzero_client.cli.output import to_dict
from systemzero_client.cli.problems import Problem
from systemzero_client.cli.remote import Remote, remote
from systemzero_client.cli.shown import (
    PERMISSIONS,
    permissions,
    scope_option,
    secret_file_option,
    show_secret,
)
from systemzero_client.cli.text import printable, time_text

if TYPE_CHECKING:
    from systemzero.gateway.v1 import auth_service_pb2 as pb

_MOST_BYTES = 8_192
_token_file = click.option(
    "--token-file", type=click.Path(dir_okay=False), help="A file with the token; else stdin."
)


@click.group()
def token() -> None:
    """Issue, introspect and revoke tokens: short-lived stand-ins for an API key."""


@token.command()
@click.option("--lifetime", type=Span(), help="How long it lives, 1h at most (10m).")
@scope_option
@secret_file_option
@remote
async def issue(
    remote: Remote, lifetime: timedelta | None, scopes: tuple[str, ...], secret_file: str
) -> None:
    """Exchange the API key for a token."""
    done = await remote.client.keys.issue_token(lifetime=lifetime, scopes=permissions(scopes))
    line = f"{done.token_id}  expires {time_text(done.expire_time)}"
    show_secret(remote, done, line, secret_file, "token")


@token.command()
@_token_file
@remote
async def introspect(remote: Remote, token_file: str | None) -> Exit:
    """Show whether a token of the tenant is active, and what it may do; status 1 if it is not."""
    found = await remote.client.keys.introspect_token(_read(token_file))
    remote.output.result(to_dict(found), [_line(found)] if found.active else ["NOT ACTIVE"])
    return Exit.UNCHANGED if found.active else Exit.DRIFT


def _an_id(_: click.Context, __: click.Parameter, value: str) -> str:
    """`value`, if it is an id. What it is instead is not repeated: it may be a token."""
    if value and not value.startswith("tok_"):
        raise Problem("a token's id, `tok_…`, is expected; its text comes from --token-file")
    return value


@token.command()
@click.argument("token_id", default="", metavar="[TOKEN_ID]", callback=_an_id)
@_token_file
@remote
async def revoke(remote: Remote, token_id: str, token_file: str | None) -> None:
    """Revoke a token: by its id, `tok_…`, or by its text, from a file or stdin."""
    if token_id:
        await remote.client.keys.revoke_token(token_id=token_id)
    else:
        await remote.client.keys.revoke_token(_read(token_file))
    remote.output.result({"revoked": True}, ["REVOKED"])


@token.command("end-all")
@confirmation("Every token of every tenant ends. Go on?")
@remote
async def end_all(remote: Remote) -> None:
    """Replace the keys that sign tokens: every token ends. With a key of the platform's own."""
    kid = await remote.client.keys.replace_signing_keys()
    remote.output.result({"kid": kid}, [f"REPLACED, tokens are signed by {kid} from now on"])


def _read(file: str | None) -> str:
    data = Path(file).read_bytes() if file else sys.stdin.buffer.read(_MOST_BYTES)
    text = data.strip().decode("ascii", "replace")
    if not text or len(text) > _MOST_BYTES or not text.isprintable():
        raise Problem(f"{file or 'standard input'} holds no token")
    return text


def _line(found: pb.IntrospectTokenResponse) -> str:
    names = dict(zip(permissions(PERMISSIONS), PERMISSIONS, strict=True))
    scopes = " ".join(names.get(scope, str(scope)) for scope in found.scopes)
    parts = [found.token_id, f"of {found.key_id}", f"tenant {found.tenant}"]
    parts += [f"expires {time_text(found.expire_time)}", f"may {scopes or 'nothing'}"]
    return printable("  ".join(parts))
