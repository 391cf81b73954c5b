"""The gateway's key files, made before it runs: for `sz-admin keys`."""

from __future__ import annotations

from pathlib import Path

from systemzero_chassis.logstore import load_log_keys, load_or_create_origin
from systemzero_gateway.audit.opening import AUDIT_KEY, ORIGIN_FILE
from systemzero_gateway.keys import DEFAULT_TENANT, load_or_create_pepper, make_first_key
from systemzero_gateway.places import ADMIN_KEY, PEPPER, PLATFORM_KEY
from systemzero_gateway.policy import PLATFORM_TENANT


def make_keys(folder: Path) -> None:
    """Make those that are missing; see `systemzero_chassis.admin.keys`."""
    load_or_create_pepper(folder / PEPPER)
    load_log_keys(folder / AUDIT_KEY)
    load_or_create_origin(folder / ORIGIN_FILE)
    make_first_key(DEFAULT_TENANT, folder / ADMIN_KEY)
    make_first_key(PLATFORM_TENANT, folder / PLATFORM_KEY)
