"""`systemzero.usage.v1.UsageService`, as every service with storage quotas has it."""

from __future__ import annotations

from typing import Any

from systemzero.usage.v1 import usage_service_pb2 as pb
from systemzero.usage.v1 import usage_service_pb2_grpc
from systemzero_base.internal.identity import current_principal
from systemzero_storage.database import Database
from systemzero_storage.usage.room import StorageQuota


class UsageServicer(usage_service_pb2_grpc.UsageServiceServicer):
    """Says what the caller's own tenant stores, and no other's."""

    def __init__(self, database: Database, room: StorageQuota) -> None:
        self._database = database
        self._room = room

    async def GetUsage(self, request: pb.GetUsageRequest, context: Any) -> pb.GetUsageResponse:
        """See the contract."""
        tenant = current_principal().tenant
        limits = self._room.limits(tenant)
        used = await self._database.of(tenant).look_up(self._room.used)
        return pb.GetUsageResponse(
            quotas=[
                pb.QuotaUsage(quota=name, used=count, limit=limits.get(name, 0))
                for name, count in used.items()
            ]
        )
