"""The capture store in SQL, on any `Database`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, update

from systemzero_capture.model import (
    Bounds,
    Known,
    Original,
    OriginalKind,
    Sighting,
    StoredCapture,
)
from systemzero_capture.store import erasing, kinds, originals, retention, rows
from systemzero_capture.store.tables import CAPTURES, KINDS, REQUESTS, TREES
from systemzero_chassis.database import TENANT, Database, TenantConnection
from systemzero_core.errors import Conflict, FailedPrecondition, NotFound

REQUEST_MICROSECONDS: Final = 7 * 86_400_000_000
"""For so long, at least, a request id stands for the capture that it made."""
FORGET_EVERY: Final = 16
"""Every so many captures of a tenant, twice as many old request ids are forgotten at most."""

_C, _K, _R, _T = CAPTURES.c, KINDS.c, REQUESTS.c, TREES.c
_ROWS: Select[Any] = (
    select(
        _C.position,
        _C.capture_id,
        _C.create_time,
        _C.session_id,
        _C.capture_time,
        _C.erase_time,
        KINDS,
        _T.structure_digest,
        _T.content_digest,
        _T.node_count,
    )
    .join(KINDS, (_K.tenant == _C.tenant) & (_K.kind == _C.kind))
    .join(TREES, (_T.tenant == _K.tenant) & (_T.full_digest == _K.full_digest))
    .where(_C.tenant == TENANT)
)
_BY_ID = _ROWS.where(_C.capture_id == bindparam("capture_id"))
_BY_POSITION = _ROWS.where(_C.position == bindparam("at"))
_AFTER = (
    _ROWS.where(_C.position > bindparam("after")).order_by(_C.position).limit(bindparam("count"))
)
_NEWEST = select(_C.position).where(_C.tenant == TENANT).order_by(_C.position.desc()).limit(1)
_LAST = select(func.coalesce(func.max(_C.position), 0)).where(_C.tenant == TENANT)
_OF_TREE = (_T.tenant == TENANT, _T.full_digest == bindparam("full"))
_TREE = select(TREES).where(*_OF_TREE)
_SET_BODY = update(TREES).where(*_OF_TREE).values(body=bindparam("new_body"))
_SET_COMPLETE = update(TREES).where(*_OF_TREE).values(complete=True)
# all that an `add` has to know, in one trip; null where there is no row
_ASKED = (_R.tenant == TENANT, _R.request_id == bindparam("asked"))
_STATE = select(
    select(_R.position).where(*_ASKED).scalar_subquery().label("first"),
    select(_R.digest).where(*_ASKED).scalar_subquery().label("first_digest"),
    select(_T.body.is_not(None)).where(*_OF_TREE).scalar_subquery().label("has_body"),
    select(_T.complete).where(*_OF_TREE).scalar_subquery().label("complete"),
    kinds.OF_DIGEST.scalar_subquery().label("kind"),
    _NEWEST.scalar_subquery().label("last"),
)
_THIS = (_C.tenant == TENANT, _C.position == bindparam("at"))
_HELD = select(_C.position, _C.held).where(
    _C.tenant == TENANT, _C.capture_id == bindparam("capture_id")
)
_HOLD = update(CAPTURES).where(*_THIS).values(held=True)
_REQUEST = select(REQUESTS).where(*_ASKED)
# The oldest, whatever their age, and then which of these are old: in one statement, each look would
# read on to the newest, or the planner through all captures.
_OLDEST = (
    select(_R.position).where(_R.tenant == TENANT).order_by(_R.position).limit(2 * FORGET_EVERY)
)
_OLD = select(_C.position).where(
    _C.tenant == TENANT,
    _C.position.in_(bindparam("oldest", expanding=True)),
    _C.create_time < bindparam("before"),
)
_FORGET = delete(REQUESTS).where(
    _R.tenant == TENANT, _R.position.in_(bindparam("old", expanding=True))
)
_INSERT_TREE = insert(TREES)
_INSERT_CAPTURE, _INSERT_REQUEST = insert(CAPTURES), insert(REQUESTS)


class SqlCaptureStore:
    """See `CaptureStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        tenant: str,
        capture_id: str,
        create_time: int,
        known: Known,
        sighting: Sighting,
        *,
        body: bytes | None,
        verdict: bytes = b"",
    ) -> StoredCapture | None:
        """See `CaptureStore.add`."""

        def job(connection: TenantConnection) -> StoredCapture | None:
            of_kind = rows.kind_values(known, sighting, verdict)
            keys = {
                "full": known.signatures.full,
                "of_kind": of_kind["digest"],
                "asked": rows.request_key(sighting.request_id) if sighting.request_id else b"",
            }
            state = connection.execute(_STATE, keys).one()
            if state.first is not None:
                return _first(connection, state.first, state.first_digest, sighting)
            if not _ensure_tree(connection, state, known, body):
                return None
            kind = state.kind or kinds.number_of(connection, of_kind)
            position = (state.last or 0) + 1
            values = rows.capture_values(capture_id, position, create_time, kind, sighting)
            connection.execute(_INSERT_CAPTURE, values)
            originals.put(connection, position, create_time, sighting.originals)
            _keep_request(connection, sighting, position, create_time)
            return StoredCapture(
                capture_id=capture_id,
                position=position,
                create_time=create_time,
                known=known,
                sighting=msgspec.structs.replace(sighting, request_id="", request_digest=b""),
                verdict=verdict,
            )

        return await self._database.of(tenant).write(job)

    async def set_verdict(
        self, tenant: str, capture: StoredCapture, verdict: bytes, *, evidence: bool = False
    ) -> bytes:
        """See `CaptureStore.set_verdict`."""

        def job(connection: TenantConnection) -> bytes:
            if kinds.judge(connection, capture, verdict, evidence=evidence):
                return verdict
            return _get(connection, capture.capture_id).verdict or verdict

        return await self._database.of(tenant).write(job)

    async def find_request(self, tenant: str, sighting: Sighting) -> StoredCapture | None:
        """See `CaptureStore.find_request`."""
        return await self._database.of(tenant).read(lambda c: _find_request(c, sighting))

    async def get(self, tenant: str, capture_id: str) -> StoredCapture:
        """See `CaptureStore.get`."""
        return await self._database.of(tenant).read(lambda c: _get(c, capture_id))

    async def body(self, tenant: str, capture_id: str) -> bytes:
        """See `CaptureStore.body`."""

        def job(connection: TenantConnection) -> bytes:
            capture = _get(connection, capture_id)
            tree = _tree(connection, capture.known.signatures.full)
            if capture.erase_time is not None or tree is None or tree.body is None:
                raise FailedPrecondition(f"the body of capture {capture_id} was erased")
            return connection.open(_T.body, tree.body, tree.full_digest)

        return await self._database.of(tenant).read(job)

    async def originals(
        self, tenant: str, capture_id: str, whole: Collection[OriginalKind] = ()
    ) -> tuple[Original, ...]:
        """See `CaptureStore.originals`."""

        def job(connection: TenantConnection) -> tuple[Original, ...]:
            return originals.read(connection, _get(connection, capture_id).position, whole)

        return await self._database.of(tenant).read(job)

    async def collect_originals(self, tenant: str, before: int) -> int:
        """See `CaptureStore.collect_originals`."""
        return await self._database.of(tenant).write(lambda c: originals.collect(c, before))

    async def hold(self, tenant: str, capture_id: str) -> None:
        """See `CaptureStore.hold`."""
        key, own = {"capture_id": capture_id}, self._database.of(tenant)
        found = await own.read(lambda c: c.execute(_HELD, key).one_or_none())
        if found is None:
            raise NotFound(f"no capture {capture_id!r:.120}")
        if not found.held:
            at = {"at": found.position}
            await own.write(lambda c: c.execute(_HOLD, at).close())

    async def collect(self, tenant: str, bounds: Bounds) -> int:
        """See `CaptureStore.collect`."""
        return await self._database.of(tenant).write(lambda c: retention.collect(c, bounds))

    async def next_tenant(self, after: str) -> str | None:
        """See `CaptureStore.next_tenant`."""
        key = {"after": after}
        return await self._database.read(lambda c: c.execute(retention.NEXT_TENANT, key).scalar())

    async def known(self, tenant: str, full_digest: bytes) -> Known | None:
        """See `CaptureStore.known`."""

        def job(connection: TenantConnection) -> Known | None:
            tree = _tree(connection, full_digest)
            if tree is None or tree.body is None or not tree.complete:
                return None
            return rows.known_of_tree(tree)

        return await self._database.of(tenant).read(job)

    async def newest(
        self, tenant: str, count: int, *, before: int | None, app: str, session_id: str
    ) -> Sequence[StoredCapture]:
        """See `CaptureStore.newest`."""
        statement = _ROWS.order_by(_C.position.desc()).limit(count)
        if before is not None:
            statement = statement.where(_C.position < before)
        if app:
            statement = statement.where(_K.app == app)
        if session_id:
            statement = statement.where(_C.session_id == session_id)
        return await self._database.of(tenant).read(lambda c: _all(c, statement))

    async def after(self, tenant: str, position: int, count: int) -> Sequence[StoredCapture]:
        """See `CaptureStore.after`."""
        return await self._database.of(tenant).read(
            lambda c: _all(c, _AFTER, after=position, count=count)
        )

    async def last_position(self, tenant: str) -> int:
        """See `CaptureStore.last_position`."""
        return await self._database.of(tenant).read(lambda c: int(c.execute(_LAST).scalar_one()))

    async def erase(
        self, tenant: str, capture_id: str, time: int, without_texts: Callable[[bytes], bytes]
    ) -> StoredCapture:
        """See `CaptureStore.erase`."""

        def job(connection: TenantConnection) -> StoredCapture:
            erasing.erase(connection, _get(connection, capture_id), time, without_texts)
            return _get(connection, capture_id)

        return await self._database.of(tenant).write(job)

    async def finish_erasure(self, tenant: str, capture_id: str) -> None:
        """See `CaptureStore.finish_erasure`."""
        await self._database.of(tenant).write(lambda c: erasing.finish(c, capture_id))

    async def unfinished_erasures(self) -> Sequence[tuple[str, str]]:
        """See `CaptureStore.unfinished_erasures`."""
        found = await self._database.read(lambda c: c.execute(erasing.UNFINISHED).all())
        return [(row.tenant, row.capture_id) for row in found]


def _all(
    connection: TenantConnection, statement: Select[Any], **values: int
) -> Sequence[StoredCapture]:
    found = connection.execute(statement, values)
    return [rows.capture_of_row(connection, row) for row in found]


def _get(connection: TenantConnection, capture_id: str) -> StoredCapture:
    row = connection.execute(_BY_ID, {"capture_id": capture_id}).one_or_none()
    if row is None:
        raise NotFound(f"no capture {capture_id!r:.120}")
    return rows.capture_of_row(connection, row)


def _find_request(connection: TenantConnection, sighting: Sighting) -> StoredCapture | None:
    if not sighting.request_id:
        return None
    key = {"asked": rows.request_key(sighting.request_id)}
    request = connection.execute(_REQUEST, key).one_or_none()
    if request is None:
        return None
    return _first(connection, request.position, request.digest, sighting)


def _first(
    connection: TenantConnection, position: int, digest: bytes, sighting: Sighting
) -> StoredCapture:
    """The capture that the sighting's request id made, if it was the same request."""
    if digest != sighting.request_digest:
        raise Conflict("request_id: used before, for another request")
    row = connection.execute(_BY_POSITION, {"at": position}).one()
    return rows.capture_of_row(connection, row)


def _keep_request(
    connection: TenantConnection, sighting: Sighting, position: int, create_time: int
) -> None:
    """Keep what the request id made; now and then, forget others that are old."""
    if not sighting.request_id:
        return
    values = {
        "position": position,
        "request_id": rows.request_key(sighting.request_id),
        "digest": sighting.request_digest,
    }
    connection.execute(_INSERT_REQUEST, values)
    if position % FORGET_EVERY == 0:
        key = {
            "oldest": connection.execute(_OLDEST).scalars().all(),
            "before": create_time - REQUEST_MICROSECONDS,
        }
        if old := connection.execute(_OLD, key).scalars().all():
            connection.execute(_FORGET, {"old": old})


def _tree(connection: TenantConnection, digest: bytes) -> Row[Any] | None:
    return connection.execute(_TREE, {"full": digest}).one_or_none()


def _ensure_tree(
    connection: TenantConnection, state: Row[Any], known: Known, body: bytes | None
) -> bool:
    """Whether the tree's body is stored now; a body that was erased comes back with a new one."""
    digest = known.signatures.full
    if not state.has_body:
        if body is None:
            return False
        stored = connection.seal(_T.body, body, digest)
        if state.has_body is None:
            connection.execute(_INSERT_TREE, rows.tree_values(known, stored))
            return True
        connection.execute(_SET_BODY, {"full": digest, "new_body": stored})
    if not state.complete and not known.incompleteness:
        connection.execute(_SET_COMPLETE, {"full": digest})
    return True
