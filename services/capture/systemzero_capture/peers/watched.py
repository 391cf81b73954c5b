"""Captures for those who watch: read once, and asked for their verdicts once, for all of them."""

from __future__ import annotations

from collections.abc import Sequence

from systemzero_base.internal.identity import Principal
from systemzero_capture.model import StoredCapture
from systemzero_capture.peers.diff_client import ITSELF, DiffClient
from systemzero_capture.store import CaptureStore
from systemzero_capture.store.tables import CAPTURES
from systemzero_storage.following import Followers, Notifier


def followers(
    notifier: Notifier, store: CaptureStore, diff: DiffClient
) -> Followers[StoredCapture]:
    """Followers of captures with their verdicts, those that the diff service keeps among them."""

    async def after(tenant: str, position: int, count: int) -> Sequence[StoredCapture]:
        found = await store.after(tenant, position, count)
        return await diff.told(Principal(tenant, ITSELF), found)

    return Followers(notifier, CAPTURES, store.last_position, after, lambda c: len(c.verdict))
