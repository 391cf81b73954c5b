"""The diff service's key files, made before it runs: for `sz-admin keys`."""

from __future__ import annotations

from pathlib import Path

from systemzero_base.secrets import load_or_create_secret
from systemzero_diff.places import PAGE_TOKENS, log_files
from systemzero_evidence.log import make_log_files


def make_keys(folder: Path) -> None:
    """Make those that are missing; see `systemzero_admin.keys`.

    Raises:
        FailedPrecondition: a file that is there can't be used, or one that it rests on is gone.
    """
    load_or_create_secret(folder / PAGE_TOKENS)
    make_log_files(log_files(folder))
