"""How much a tenant may store, as the gateway says it with an identity."""

from __future__ import annotations

import msgspec


class StorageQuotas(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A tenant's own limits; None stands for the service's.

    `stored_bytes` in each service that stores something; `captures` that are not deleted,
    `templates` that are there now, `events` whose capture is not deleted.
    """

    stored_bytes: int | None = None
    captures: int | None = None
    templates: int | None = None
    events: int | None = None


NO_STORAGE_QUOTAS = StorageQuotas()
"""The services' limits in everything."""
