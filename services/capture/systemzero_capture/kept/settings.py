"""Settings of what is kept of captures as the client sent them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from systemzero_base.settings.config import Settings

Limit = Annotated[int, msgspec.Meta(ge=0)]
"""A number that bounds something; 0 for no bound."""
Bytes = Annotated[int, msgspec.Meta(gt=0, le=6_000_000)]
"""Of one document: an answer has room for it beside a verdict."""


class OriginalsSettings(Settings, frozen=True, kw_only=True):
    """What is kept of captures as the client sent it, beside their trees; nothing by default.

    Attributes:
        native: native documents: `never`; `asked`, where the request asks for it; `always`, where
            they are no larger than `max_native_bytes`.
        screenshots: whether a request may bring a screenshot.
        screenshots_of_secrets: whether a screenshot is kept of a capture from which a secret was
            redacted: nobody can redact a picture.
        max_native_bytes: of one native document with its parts.
        max_screenshot_bytes: of one screenshot.
        days: they are erased when so old; 0 keeps them as long as their capture.
    """

    native: Literal["never", "asked", "always"] = "never"
    screenshots: bool = False
    screenshots_of_secrets: bool = False
    max_native_bytes: Bytes = 2_000_000
    max_screenshot_bytes: Annotated[int, msgspec.Meta(gt=0, le=3_000_000)] = 2_000_000
    days: Limit = 30


class KeepingSettings(OriginalsSettings, frozen=True, kw_only=True):
    """What is kept of captures as the client sent it.

    Attributes:
        tenants: something else for some tenants, by tenant id.
    """

    tenants: dict[str, OriginalsSettings] = msgspec.field(default_factory=dict)

    def of(self, tenant: str) -> OriginalsSettings:
        """What holds for a tenant."""
        return self.tenants.get(tenant, self)
