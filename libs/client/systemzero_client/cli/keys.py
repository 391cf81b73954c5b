"""`sz keys`: API keys. A new secret is printed once, or written to a file of mode 0600."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from systemzero_client.cli.options import ListingGroup, Span, Until
from systemzero_client.cli.output import to_dict
from systemzero_client.cli.remote import Remote, remote
from systemzero_client.cli.shown import (
    key_line,
    permissions,
    scope_option,
    secret_file_option,
    show_secret,
)

ROLES = ("viewer", "operator", "admin")
"""What a key may be, in the contract's words."""


@click.group(cls=ListingGroup)
def keys() -> None:
    """List, create, rotate and revoke API keys."""


@keys.command("list")
@remote
async def list_(remote: Remote) -> None:
    """List the tenant's keys."""
    async for key in remote.client.keys.list():
        remote.output.result(to_dict(key), [key_line(key)])


@keys.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True)
@scope_option
@click.option("--expires", type=Until(), help="A time or a span (90d); never if not given.")
@secret_file_option
@remote
async def create(
    remote: Remote,
    name: str,
    role: str,
    scopes: tuple[str, ...],
    expires: datetime | None,
    secret_file: str,
) -> None:
    """Create a key."""
    from systemzero.gateway.v1 import auth_service_pb2 as pb

    done = await remote.client.keys.create(
        name,
        pb.Role.Value(f"ROLE_{role.upper()}"),
        scopes=permissions(scopes),
        expires=expires,
    )
    show_secret(remote, done, key_line(done.api_key), secret_file)


@keys.command()
@click.argument("key")
@click.option("--overlap", type=Span(), help="How long the old secret goes on working (1d).")
@secret_file_option
@remote
async def rotate(remote: Remote, key: str, overlap: timedelta | None, secret_file: str) -> None:
    """Give a key a new secret; the old one goes on working for a while."""
    done = await remote.client.keys.rotate(key, overlap=overlap)
    show_secret(remote, done, key_line(done.api_key), secret_file)


@keys.command()
@click.argument("key")
@remote
async def revoke(remote: Remote, key: str) -> None:
    """Revoke a key, its secrets and its tokens."""
    done = await remote.client.keys.revoke(key)
    remote.output.result({"api_key": to_dict(done)}, [f"REVOKED {key_line(done)}"])
