"""The diff service's key files, made before it runs: for `sz-admin keys`."""

from __future__ import annotations

from pathlib import Path

from systemzero_chassis.logstore import load_log_keys, load_or_create_origin
from systemzero_chassis.secrets import load_or_create_secret
from systemzero_diff.places import LOG_KEY, ORIGIN_FILE, PAGE_TOKENS


def make_keys(folder: Path) -> None:
    """Make those that are missing; see `systemzero_chassis.admin.keys`."""
    load_or_create_secret(folder / PAGE_TOKENS)
    load_log_keys(folder / LOG_KEY)
    load_or_create_origin(folder / ORIGIN_FILE)
