"""What a tenant may use up, where it differs from what the platform allows everybody."""

from __future__ import annotations

from typing import Final

import msgspec

from systemzero_base.internal.quotas import NO_STORAGE_QUOTAS, StorageQuotas

STORAGE: Final = StorageQuotas.__struct_fields__
"""Those of the quotas that the services hold a tenant to, and not the gateway."""


class Quotas(msgspec.Struct, frozen=True):
    """A tenant's own limits; None stands for the platform's.

    `per_minute` rate-limit units a minute, `burst` units at once from a full bucket, `in_flight`
    calls under way at a time: the tenant as a whole and each of its principals are held to them.
    The others are what it may store; see `StorageQuotas`.
    """

    per_minute: float | None = None
    burst: int | None = None
    in_flight: int | None = None
    stored_bytes: int | None = None
    captures: int | None = None
    templates: int | None = None
    events: int | None = None

    def __post_init__(self) -> None:
        """Refuse quotas that nothing could pass.

        Raises:
            ValueError: one of them is not positive.
        """
        for value in msgspec.structs.astuple(self):
            if value is not None and not value > 0:
                raise ValueError("a quota must be positive")

    @property
    def storage(self) -> StorageQuotas:
        """What the services hold the tenant to."""
        own = StorageQuotas(*(getattr(self, name) for name in STORAGE))
        # the very one, which stands in no identity: services of an earlier release read that, too
        return NO_STORAGE_QUOTAS if own == NO_STORAGE_QUOTAS else own


NO_QUOTAS = Quotas()
"""The platform's limits in everything."""
