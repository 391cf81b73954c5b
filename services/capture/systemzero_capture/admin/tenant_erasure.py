"""The capture service's part of `sz-admin erase-tenant`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from systemzero_capture.store import tenant_erasure
from systemzero_storage.database import Database
from systemzero_storage.sealing.tenant_erasure import in_batches


async def erase_tenant(
    database: Database, _folder: Path, _origin: str, tenant: str, time: int
) -> AsyncIterator[str]:
    """See `systemzero_storage.sealing.tenant_erasure.Erase`."""
    own = database.of(tenant)
    captures = await in_batches(own, lambda c: tenant_erasure.erase_captures(c, time))
    await in_batches(own, tenant_erasure.erase_originals)
    trees = await in_batches(own, tenant_erasure.erase_trees)
    kinds = await in_batches(own, tenant_erasure.erase_kinds)
    await in_batches(own, tenant_erasure.forget_verdicts)
    yield f"{captures} captures, {trees} trees and {kinds} kinds are erased"
