"""New secrets and the keys they are of: printed once, or written to a file of mode 0600."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from systemzero_client.cli.output import to_dict
from systemzero_client.cli.remote import Remote
from systemzero_client.cli.text import printable, time_text, word
from systemzero_client.writing import check_target, write_whole

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from systemzero.gateway.v1 import auth_service_pb2 as pb
    from systemzero.policy.v1 import policy_pb2

PERMISSIONS = (
    "capture_write",
    "capture_read",
    "capture_delete",
    "template_read",
    "template_write",
    "template_delete",
    "diff_run",
    "event_read",
    "event_decide",
    "log_read",
    "key_manage",
    "token_issue",
    "status_read",
    "audit_read",
    "tenant_read",
    "tenant_manage",
    "token_introspect",
)
"""What a key may be allowed, in the contract's words."""


def _checked(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """The place for a secret, looked at before there is one: it would be lost."""
    if value:
        check_target(Path(value))
    return value


secret_file_option = click.option(
    "--secret-file",
    default="",
    callback=_checked,
    help="Write the secret there, for its owner alone, not to stdout.",
)
scope_option = click.option("--scope", "scopes", type=click.Choice(PERMISSIONS), multiple=True)


def permissions(names: Iterable[str]) -> list[policy_pb2.Permission.ValueType]:
    """The permissions of these names."""
    from systemzero.policy.v1 import policy_pb2

    return [policy_pb2.Permission.Value(f"PERMISSION_{name.upper()}") for name in names]


def show_secret(
    remote: Remote, done: Message, line: str, secret_file: str, field: str = "secret"
) -> None:
    """The result `done`, whose `field` is a secret, with a line for people."""
    value: dict[str, Any] = to_dict(done)
    if secret_file:
        write_whole(Path(secret_file), f"{value[field]}\n".encode())
        value |= {field: "", "secret_file": secret_file}
        where = f"{field} in {secret_file}"
    else:
        where = f"{field}, shown this once: {value[field]}"
    remote.output.result(value, [line, where])


def key_line(key: pb.ApiKey) -> str:
    """A key for people."""
    from systemzero.gateway.v1 import auth_service_pb2 as pb

    role, kind = word(pb.Role, key.role, "ROLE_"), word(pb.KeyKind, key.kind, "KEY_KIND_")
    parts = [key.key_id, kind, f"{role:8}", printable(key.name)]
    if key.HasField("expire_time"):
        parts.append(f"expires {time_text(key.expire_time)}")
    if key.HasField("revoke_time"):
        parts.append(f"revoked {time_text(key.revoke_time)}")
    used = time_text(key.last_use_time) if key.HasField("last_use_time") else "never"
    parts.append(f"last used {used}")
    return "  ".join(parts)
