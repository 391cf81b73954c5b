"""`sz tenants`: with a key of the platform's own tenant, such as the server's platform.key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from systemzero_client.cli.options import ListingGroup
from systemzero_client.cli.output import to_dict
from systemzero_client.cli.remote import Remote, remote
from systemzero_client.cli.shown import secret_file_option, show_secret
from systemzero_client.cli.text import printable, time_text

if TYPE_CHECKING:
    from systemzero.gateway.v1 import tenant_service_pb2 as pb

_DEFAULT = "default"
_FIELDS = {
    "per_minute": "Rate-limit units a minute.",
    "burst": "Units at once.",
    "in_flight": "Calls in flight at a time.",
    "stored_bytes": "Bytes stored in each service.",
    "captures": "Captures that are not deleted.",
    "templates": "Templates that are there now.",
    "events": "Drift events of captures that are not deleted.",
}
_SMALL = ("burst", "in_flight")
_OF_CALLS = ("per_minute", *_SMALL)
"""What is shown even where a tenant has none of its own."""


class _Quota(click.ParamType[float | str]):
    """A number, or `default`: as the platform has it."""

    name = "number|default"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        if value == _DEFAULT:
            return _DEFAULT
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor `{_DEFAULT}`")


def _quota_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for field, text in reversed(_FIELDS.items()):
        command = click.option(f"--{field.replace('_', '-')}", type=_Quota(), help=text)(command)
    return command


@click.group(cls=ListingGroup)
def tenants() -> None:
    """List, create, suspend and resume tenants, and set their quotas."""


@tenants.command("list")
@remote
async def list_(remote: Remote) -> None:
    """List the tenants that the key may see."""
    async for tenant in remote.client.tenants.list():
        remote.output.result(to_dict(tenant), [_line(tenant)])


@tenants.command()
@click.argument("tenant")
@_quota_options
@secret_file_option
@remote
async def create(remote: Remote, tenant: str, secret_file: str, **wanted: float | str) -> None:
    """Create a tenant; its first admin key is shown once."""
    done = await remote.client.tenants.create(tenant, quotas=_changed(None, wanted))
    show_secret(remote, done, _line(done.tenant), secret_file)


@tenants.command()
@click.argument("tenant")
@_quota_options
@remote
async def quotas(remote: Remote, tenant: str, **wanted: float | str) -> None:
    """Show a tenant's quotas, or set those that are given."""
    found = await remote.client.tenants.get(tenant)
    if any(value is not None for value in wanted.values()):
        changed = _changed(found.quotas, wanted)
        found = await remote.client.tenants.set_quotas(tenant, changed)
    remote.output.result({"tenant": to_dict(found)}, [_line(found)])


@tenants.command()
@click.argument("tenant")
@remote
async def suspend(remote: Remote, tenant: str) -> None:
    """Suspend a tenant: none of its keys and tokens works."""
    done = await remote.client.tenants.suspend(tenant)
    remote.output.result({"tenant": to_dict(done)}, [f"SUSPENDED {_line(done)}"])


@tenants.command()
@click.argument("tenant")
@remote
async def resume(remote: Remote, tenant: str) -> None:
    """Resume a suspended tenant."""
    done = await remote.client.tenants.resume(tenant)
    remote.output.result({"tenant": to_dict(done)}, [f"RESUMED {_line(done)}"])


def _changed(quotas: pb.Quotas | None, wanted: dict[str, Any]) -> pb.Quotas:
    """`quotas`, or none, with what is wanted; what is None stays."""
    from systemzero.gateway.v1 import tenant_service_pb2 as pb

    result = pb.Quotas()
    if quotas is not None:
        result.CopyFrom(quotas)
    for field, value in wanted.items():
        if value == _DEFAULT:
            result.ClearField(field)  # type: ignore[arg-type]
        elif value is not None:
            setattr(result, field, value if field == "per_minute" else _whole(field, value))
    return result


def _whole(field: str, value: float) -> int:
    most = 2**31 if field in _SMALL else 2**53
    if not value.is_integer() or abs(value) >= most:
        raise click.BadParameter(
            "must be a whole number", param_hint=f"--{field.replace('_', '-')}"
        )
    return int(value)


def _line(tenant: pb.Tenant) -> str:
    parts = [f"{printable(tenant.tenant_id):16}"]
    for field in _FIELDS:
        if tenant.quotas.HasField(field):  # type: ignore[arg-type]
            parts.append(f"{field} {getattr(tenant.quotas, field):.15g}")
        elif field in _OF_CALLS:
            parts.append(f"{field} default")
    parts.append(f"created {time_text(tenant.create_time)}")
    if tenant.HasField("suspend_time"):
        parts.append(f"suspended {time_text(tenant.suspend_time)}")
    return "  ".join(parts)
