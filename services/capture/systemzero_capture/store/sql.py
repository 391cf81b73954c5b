"""The capture store in SQL, on any `Database`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from systemzero_capture.model import (
    NOBODY,
    Bounds,
    ContentFacts,
    ErasureNote,
    ErasureRequest,
    Original,
    OriginalKind,
    Sighting,
    StoredCapture,
)
from systemzero_capture.store import (
    adding,
    capture_erasure,
    captures,
    kinds,
    originals,
    requests,
    retention,
    trees,
)
from systemzero_capture.store.tables import CAPTURES, METADATA
from systemzero_storage.database import Database, TenantConnection
from systemzero_storage.usage.room import Allowance, StorageQuota


class SqlCaptureStore:
    """See `CaptureStore`."""

    def __init__(self, database: Database, room: StorageQuota | None = None) -> None:
        """`room` holds tenants to their quotas; without it there are none."""
        self._database = database
        self._room = room or StorageQuota(METADATA, {})

    async def add(
        self,
        tenant: str,
        capture_id: str,
        create_time: int,
        known: ContentFacts,
        sighting: Sighting,
        *,
        body: bytes | None,
        verdict: bytes = b"",
        of_diff: bool = False,
    ) -> StoredCapture | None:
        """See `CaptureStore.add`."""
        own, what = self._database.of(tenant), (known, sighting, body, verdict, of_diff)

        def job(connection: TenantConnection, allowance: Allowance) -> StoredCapture | None:
            added = adding.add(connection, capture_id, create_time, *what, allowance)
            if added is not None and added.capture_id == capture_id:
                connection.after_commit(self._database.notifier.notify, CAPTURES, tenant)
            return added

        return await self._room.write(own, tenant, job)

    async def set_verdict(
        self, tenant: str, capture: StoredCapture, verdict: bytes
    ) -> StoredCapture:
        """See `CaptureStore.set_verdict`."""
        judged = msgspec.structs.replace(capture, verdict=verdict, of_diff=False)

        def job(connection: TenantConnection) -> StoredCapture:
            connection.after_commit(self._database.notifier.forget, CAPTURES, tenant)
            if kinds.judge(connection, capture, verdict):
                return judged
            before = captures.get(connection, capture.capture_id)
            return before if before.verdict else judged

        return await self._database.of(tenant).write(job)

    def judged_elsewhere(self, tenant: str) -> None:
        """See `CaptureStore.judged_elsewhere`."""
        self._database.notifier.forget(CAPTURES, tenant)

    async def find_request(self, tenant: str, sighting: Sighting) -> StoredCapture | None:
        """See `CaptureStore.find_request`."""
        return await self._database.of(tenant).look_up(lambda c: requests.first(c, sighting))

    async def get(self, tenant: str, capture_id: str) -> StoredCapture:
        """See `CaptureStore.get`."""
        return await self._database.of(tenant).look_up(lambda c: captures.get(c, capture_id))

    async def body(self, tenant: str, capture_id: str) -> bytes:
        """See `CaptureStore.body`."""
        return await self._database.of(tenant).read(
            lambda c: trees.body(c, captures.get(c, capture_id))
        )

    async def originals(
        self, tenant: str, capture_id: str, whole: Collection[OriginalKind] = ()
    ) -> tuple[Original, ...]:
        """See `CaptureStore.originals`."""
        return await self._database.of(tenant).read(
            lambda c: originals.read(c, captures.get(c, capture_id).position, whole)
        )

    async def collect_originals(self, tenant: str, before: int) -> int:
        """See `CaptureStore.collect_originals`."""
        return await self._database.of(tenant).write(lambda c: originals.collect(c, before))

    async def hold(self, tenant: str, capture_ids: Sequence[str]) -> None:
        """See `CaptureStore.hold`."""
        own = self._database.of(tenant)
        positions = await own.look_up(lambda c: captures.not_held(c, capture_ids))
        if positions:
            await own.write(lambda c: captures.hold(c, positions))

    async def trees(
        self, tenant: str, capture_ids: Sequence[str]
    ) -> Sequence[tuple[StoredCapture, bytes]]:
        """See `CaptureStore.trees`."""

        def job(connection: TenantConnection) -> list[tuple[StoredCapture, bytes]]:
            found = [captures.get(connection, capture_id) for capture_id in capture_ids]
            return [(capture, trees.body(connection, capture)) for capture in found]

        return await self._database.of(tenant).read(job)

    async def collect(self, tenant: str, bounds: Bounds) -> int:
        """See `CaptureStore.collect`."""
        return await self._database.of(tenant).write(lambda c: retention.collect(c, bounds))

    async def unsettled(self, tenant: str, bounds: Bounds) -> Sequence[str]:
        """See `CaptureStore.unsettled`."""
        return await self._database.of(tenant).read(lambda c: retention.unsettled(c, bounds))

    async def settle(
        self, tenant: str, capture_ids: Collection[str], with_event: Collection[str]
    ) -> None:
        """See `CaptureStore.settle`."""
        await self._database.of(tenant).write(
            lambda c: retention.settle(c, capture_ids, with_event)
        )

    async def next_tenant(self, after: str) -> str | None:
        """See `CaptureStore.next_tenant`."""
        key = {"after": after}
        return await self._database.read(lambda c: c.execute(retention.NEXT_TENANT, key).scalar())

    async def known(self, tenant: str, full_digest: bytes) -> ContentFacts | None:
        """See `CaptureStore.known`."""
        return await self._database.of(tenant).look_up(lambda c: trees.known(c, full_digest))

    async def newest(
        self, tenant: str, count: int, *, before: int | None, app: str, session_id: str
    ) -> Sequence[StoredCapture]:
        """See `CaptureStore.newest`."""
        return await self._database.of(tenant).read(
            lambda c: captures.newest(c, count, before, app, session_id)
        )

    async def after(self, tenant: str, position: int, count: int) -> Sequence[StoredCapture]:
        """See `CaptureStore.after`."""
        return await self._database.of(tenant).read(lambda c: captures.after(c, position, count))

    async def last_position(self, tenant: str) -> int:
        """See `CaptureStore.last_position`."""
        return await self._database.of(tenant).read(captures.last_position)

    async def erase(
        self,
        tenant: str,
        capture_id: str,
        time: int,
        without_texts: Callable[[bytes], bytes],
        asked: ErasureRequest = NOBODY,
    ) -> StoredCapture:
        """See `CaptureStore.erase`."""

        def job(connection: TenantConnection) -> StoredCapture:
            connection.after_commit(self._database.notifier.forget, CAPTURES, tenant)
            capture = captures.get(connection, capture_id)
            capture_erasure.erase(connection, capture, time, without_texts, asked)
            return captures.get(connection, capture_id)

        return await self._database.of(tenant).write(job)

    async def finish_erasure(self, tenant: str, capture_id: str) -> None:
        """See `CaptureStore.finish_erasure`."""
        await self._database.of(tenant).write(lambda c: capture_erasure.finish(c, capture_id))

    async def unfinished_erasures(self, skipped: int = 0) -> Sequence[ErasureNote]:
        """See `CaptureStore.unfinished_erasures`."""
        return await self._database.read(lambda c: capture_erasure.unfinished(c, skipped))
