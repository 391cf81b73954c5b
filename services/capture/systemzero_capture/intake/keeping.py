"""Has what is kept of a capture as it was sent made, in a lane where it is large."""

from __future__ import annotations

import msgspec

from systemzero_base.lanes.dispatch import Lanes
from systemzero_base.settings.redacting import RulesByTenant
from systemzero_capture.intake import work
from systemzero_capture.kept.originals import KeptOriginal
from systemzero_capture.kept.settings import KeepingSettings, OriginalsSettings
from systemzero_capture.model import Offered, size_of


class Keeper:
    """Keeps what tenants have kept; nothing of it holds a secret."""

    def __init__(self, lanes: Lanes, rules: RulesByTenant, keeping: KeepingSettings) -> None:
        self._lanes = lanes
        self._rules = rules
        self._keeping = keeping

    def keeps_all(self, tenant: str) -> bool:
        """Whether a tenant has native documents kept whether or not a request asks for it."""
        return self._keeping.of(tenant).native == "always"

    async def kept(self, tenant: str, offered: Offered | None) -> KeptOriginal:
        """What is to be kept. Raises as `kept_of`."""
        if offered is None:
            return KeptOriginal()
        size, told = size_of(offered.content), self._rules.told(tenant)
        done = await self._lanes.do(tenant, size, work.keep, offered, self._told(tenant), told)
        return work.kept(done)

    def _told(self, tenant: str) -> bytes:
        """What a tenant has kept, for a lane."""
        keeping = self._keeping.of(tenant)
        named = {name: getattr(keeping, name) for name in OriginalsSettings.__struct_fields__}
        return msgspec.json.encode(named)
