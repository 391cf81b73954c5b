"""What a tenant may use up, where it differs from what the platform allows everybody."""

from __future__ import annotations

import msgspec


class Quotas(msgspec.Struct, frozen=True):
    """A tenant's own limits; None stands for the platform's.

    `per_minute` rate-limit units a minute, `burst` units at once from a full bucket, `in_flight`
    calls under way at a time. The tenant as a whole and each of its principals are held to them.
    """

    per_minute: float | None = None
    burst: int | None = None
    in_flight: int | None = None

    def __post_init__(self) -> None:
        """Refuse quotas that nothing could pass.

        Raises:
            ValueError: one of them is not positive.
        """
        for value in (self.per_minute, self.burst, self.in_flight):
            if value is not None and not value > 0:
                raise ValueError("a quota must be positive")


NO_QUOTAS = Quotas()
"""The platform's limits in everything."""
