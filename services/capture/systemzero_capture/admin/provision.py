"""The capture service's key files, made before it runs: for `sz-admin keys`."""

from __future__ import annotations

from pathlib import Path

from systemzero_base.secrets import load_or_create_secret
from systemzero_capture.places import PAGE_TOKENS


def make_keys(folder: Path) -> None:
    """Make those that are missing; see `systemzero_admin.keys`."""
    load_or_create_secret(folder / PAGE_TOKENS)
