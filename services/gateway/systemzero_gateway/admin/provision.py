"""The gateway's key files, made before it runs: for `sz-admin keys`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from systemzero_admin.keys import APART
from systemzero_core.errors import FailedPrecondition
from systemzero_evidence.log import make_log_files
from systemzero_gateway.access.policy import PLATFORM_TENANT
from systemzero_gateway.audit.opening import log_files
from systemzero_gateway.credentials import firstkey
from systemzero_gateway.credentials.keys import DEFAULT_TENANT, load_or_create_pepper
from systemzero_gateway.places import ADMIN_KEY, PEPPER, PLATFORM_KEY

_FIRST: Final = ((DEFAULT_TENANT, ADMIN_KEY), (PLATFORM_TENANT, PLATFORM_KEY))


def make_keys(folder: Path) -> None:
    """Make those that are missing; see `systemzero_admin.keys`.

    Raises:
        FailedPrecondition: a file that is there can't be used, or one that it rests on is gone.
    """
    _refuse_new_pepper(folder)
    pepper = load_or_create_pepper(folder / PEPPER)
    make_log_files(log_files(folder))
    for tenant, name in _FIRST:
        firstkey.prepare(tenant, folder / name, folder.parent / APART / name, pepper)


def _refuse_new_pepper(folder: Path) -> None:
    """Refuse to make a pepper under which the first key that was handed out would not be known."""
    for _, name in _FIRST:
        if firstkey.is_prepared(folder / name) and not (folder / PEPPER).exists():
            raise FailedPrecondition(
                f"{folder / PEPPER} is missing, and {Path(name).stem}.digest was made with it: put "
                "the pepper back, or remove the digest to have a new first key"
            )
