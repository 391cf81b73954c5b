"""`sz-admin recovery-key`: a way back where the data is, which leaves a trace."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from systemzero.gateway.v1 import audit_service_pb2 as audit_pb
from systemzero.gateway.v1 import (
    audit_service_pb2_grpc,
    auth_service_pb2_grpc,
    tenant_service_pb2_grpc,
)
from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from systemzero_admin.__main__ import main
from systemzero_gateway.access.policy import PLATFORM_TENANT
from tests.integration.gateway.admin.conftest import Place
from tests.support.gateway import World, world


def recover(data: Path, tenant: str, to: Path, more: tuple[str, ...]) -> int:
    """Run the command; the gateway's folder has its service's name, as below a data folder."""
    arguments = ["recovery-key", tenant, "--data", str(data), "--to", str(to), *more]
    return main(arguments)


def platform(here: World) -> Any:
    return here.bearer(here.app.platform_key_file.read_text().strip())


async def listed(here: World, credential: str) -> list[Any]:
    auth: Any = auth_service_pb2_grpc.AuthServiceStub(here.channel)
    answer = await auth.ListApiKeys(auth_pb.ListApiKeysRequest(), metadata=here.bearer(credential))
    return list(answer.api_keys)


async def test_a_recovery_key_opens_its_tenant_and_stands_in_the_audit_log(
    tmp_path: Path, place: Place
) -> None:
    settings, arguments = place
    data = tmp_path / "gateway"
    for tenant in ("default", PLATFORM_TENANT):
        file = tmp_path / f"{tenant}.key"
        async with world(data, local=True, database=settings) as here:
            # also while a gateway serves
            assert await asyncio.to_thread(recover, tmp_path, tenant, file, arguments) == 0
            assert file.stat().st_mode & 0o777 == 0o600
            secret = file.read_text().strip()
            names = [key.name for key in await listed(here, secret)]
            assert names == ["first admin key", "recovery key"]
        async with world(data, local=True, database=settings) as here:
            audit: Any = audit_service_pb2_grpc.AuditServiceStub(here.channel)
            answer = await audit.ListEntries(
                audit_pb.ListEntriesRequest(page_size=100), metadata=here.bearer(secret)
            )
            assert b"sz-admin recovery-key" in answer.SerializeToString()
        # the file is there: nothing is written over
        assert await asyncio.to_thread(recover, tmp_path, tenant, file, arguments) == 2
        assert file.read_text().strip() == secret


async def test_no_key_is_made_for_a_tenant_that_is_suspended_or_not_there(
    tmp_path: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, arguments = place
    async with world(tmp_path / "gateway", local=True, database=settings) as here:
        tenants: Any = tenant_service_pb2_grpc.TenantServiceStub(here.channel)
        suspend = tenant_pb.SuspendTenantRequest(tenant_id="default")
        await tenants.SuspendTenant(suspend, metadata=platform(here))
    for tenant, why in (("default", "suspended"), ("nobody", "no tenant")):
        assert (
            await asyncio.to_thread(recover, tmp_path, tenant, tmp_path / "new.key", arguments) == 2
        )
        assert why in capsys.readouterr().err
        assert not (tmp_path / "new.key").exists()


async def test_a_recovery_without_the_pepper_is_refused_and_makes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with world(tmp_path / "gateway", local=True):
        pass
    pepper = tmp_path / "gateway" / "pepper.key"
    pepper.unlink()
    file = tmp_path / "new.key"
    assert await asyncio.to_thread(recover, tmp_path, "default", file, ()) == 2
    assert "pepper.key is missing" in capsys.readouterr().err
    assert not pepper.exists()
    assert not file.exists()
