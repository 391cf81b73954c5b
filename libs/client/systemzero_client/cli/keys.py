"""`sz keys`: API keys. A new secret is printed once, or written to a file of mode 0600."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from systemzero.gateway.v1 import auth_service_pb2 as pb
from systemzero.policy.v1 import policy_pb2
from systemzero_client.cli.options import ListingGroup, Remote, Until, remote
from systemzero_client.cli.output import to_dict
from systemzero_client.cli.text import printable, time_text
from systemzero_client.private_files import write_private

_ROLES = {name.removeprefix("ROLE_").lower(): value for name, value in pb.Role.items() if value}
_SCOPES = {
    name.removeprefix("PERMISSION_").lower(): value
    for name, value in policy_pb2.Permission.items()
    if value
}
_secret_file = click.option(
    "--secret-file", default="", help="Write the secret there, for its owner alone, not to stdout."
)


@click.group(cls=ListingGroup)
def keys() -> None:
    """List, create, rotate and revoke API keys."""


@keys.command("list")
@remote
async def list_(remote: Remote) -> None:
    """List the tenant's keys."""
    async for key in remote.client.keys.list():
        remote.output.result(to_dict(key), [_line(key)])


@keys.command()
@click.argument("name")
@click.option("--role", type=click.Choice(list(_ROLES)), required=True)
@click.option("--scope", "scopes", type=click.Choice(list(_SCOPES)), multiple=True)
@click.option("--expires", type=Until(), help="A time or a span (90d); never if not given.")
@_secret_file
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
    done = await remote.client.keys.create(
        name, _ROLES[role], scopes=[_SCOPES[scope] for scope in scopes], expires=expires
    )
    _show_secret(remote, done, secret_file)


@keys.command()
@click.argument("key")
@_secret_file
@remote
async def rotate(remote: Remote, key: str, secret_file: str) -> None:
    """Give a key a new secret; the old one goes on working for a day."""
    _show_secret(remote, await remote.client.keys.rotate(key), secret_file)


@keys.command()
@click.argument("key")
@remote
async def revoke(remote: Remote, key: str) -> None:
    """Revoke a key, its secrets and its tokens."""
    done = await remote.client.keys.revoke(key)
    remote.output.result({"api_key": to_dict(done)}, [f"REVOKED {_line(done)}"])


def _show_secret(
    remote: Remote, done: pb.CreateApiKeyResponse | pb.RotateApiKeyResponse, secret_file: str
) -> None:
    value: dict[str, Any] = to_dict(done)
    if secret_file:
        write_private(Path(secret_file), done.secret.encode() + b"\n")
        value["secret"] = ""
        value["secret_file"] = secret_file
        where = f"secret in {secret_file}"
    else:
        where = f"secret, shown this once: {done.secret}"
    remote.output.result(value, [_line(done.api_key), where])


def _line(key: pb.ApiKey) -> str:
    role = pb.Role.Name(key.role).removeprefix("ROLE_").lower()
    kind = pb.KeyKind.Name(key.kind).removeprefix("KEY_KIND_").lower()
    parts = [key.key_id, kind, f"{role:8}", printable(key.name)]
    if key.HasField("expire_time"):
        parts.append(f"expires {time_text(key.expire_time)}")
    if key.HasField("revoke_time"):
        parts.append(f"revoked {time_text(key.revoke_time)}")
    used = time_text(key.last_use_time) if key.HasField("last_use_time") else "never"
    parts.append(f"last used {used}")
    return "  ".join(parts)
