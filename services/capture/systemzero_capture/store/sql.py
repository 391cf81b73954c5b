"""The capture store in SQL, on any `Database`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from systemzero_capture.model import Known, Sighting, StoredCapture
from systemzero_capture.store import rows
from systemzero_capture.store.tables import CAPTURES, TREES
from systemzero_chassis.database import Database
from systemzero_core.errors import Conflict, FailedPrecondition, NotFound

_OF_TENANT = CAPTURES.c.tenant == bindparam("tenant")
_ROWS: Select[Any] = select(
    CAPTURES, TREES.c.structure_digest, TREES.c.content_digest, TREES.c.node_count
).join(
    TREES,
    (TREES.c.tenant == CAPTURES.c.tenant) & (TREES.c.full_digest == CAPTURES.c.full_digest),
)
_BY_ID = _ROWS.where(_OF_TENANT, CAPTURES.c.capture_id == bindparam("capture_id"))
_BY_REQUEST = _ROWS.where(_OF_TENANT, CAPTURES.c.request_id == bindparam("request_id"))
_AFTER = (
    _ROWS.where(_OF_TENANT, CAPTURES.c.position > bindparam("position"))
    .order_by(CAPTURES.c.position)
    .limit(bindparam("count"))
)
_LAST = select(func.coalesce(func.max(CAPTURES.c.position), 0)).where(_OF_TENANT)
_TREE_KEY = (TREES.c.tenant == bindparam("tenant"), TREES.c.full_digest == bindparam("digest"))
_TREE = select(TREES).where(*_TREE_KEY)
_STATE = select(TREES.c.body.is_not(None).label("has_body"), TREES.c.complete).where(*_TREE_KEY)
_SET_BODY = (
    update(TREES)
    .where(TREES.c.tenant == bindparam("t"), TREES.c.full_digest == bindparam("d"))
    .values(body=bindparam("b"))
)
_SET_COMPLETE = (
    update(TREES)
    .where(TREES.c.tenant == bindparam("t"), TREES.c.full_digest == bindparam("d"))
    .values(complete=True)
)
_SET_VERDICT = (
    update(CAPTURES)
    .where(
        CAPTURES.c.tenant == bindparam("t"),
        CAPTURES.c.capture_id == bindparam("c"),
        CAPTURES.c.verdict.is_(None),
    )
    .values(verdict=bindparam("v"))
)
_SET_ERASED = (
    update(CAPTURES)
    .where(
        CAPTURES.c.tenant == bindparam("t"),
        CAPTURES.c.capture_id == bindparam("c"),
        CAPTURES.c.erase_time.is_(None),
    )
    .values(erase_time=bindparam("e"))
)
_OTHERS = (
    select(func.count())
    .select_from(CAPTURES)
    .where(
        _OF_TENANT,
        CAPTURES.c.full_digest == bindparam("digest"),
        CAPTURES.c.erase_time.is_(None),
    )
)
_INSERT_TREE = insert(TREES)
_INSERT_CAPTURE = insert(CAPTURES)


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

        def job(connection: Connection) -> StoredCapture | None:
            if first := _find_request(connection, tenant, sighting):
                return first
            if not _ensure_tree(connection, tenant, known, body):
                return None
            values = rows.capture_values(tenant, capture_id, create_time, known, sighting, verdict)
            position = connection.execute(_INSERT_CAPTURE, values).inserted_primary_key
            return StoredCapture(
                capture_id=capture_id,
                position=position[0] if position else 0,
                create_time=create_time,
                known=known,
                sighting=sighting,
                verdict=verdict,
            )

        return await self._database.write(job)

    async def set_verdict(self, tenant: str, capture_id: str, verdict: bytes) -> bytes:
        """See `CaptureStore.set_verdict`."""

        def job(connection: Connection) -> bytes:
            values = {"t": tenant, "c": capture_id, "v": verdict}
            if connection.execute(_SET_VERDICT, values).rowcount:
                return verdict
            return _get(connection, tenant, capture_id).verdict

        return await self._database.write(job)

    async def find_request(self, tenant: str, sighting: Sighting) -> StoredCapture | None:
        """See `CaptureStore.find_request`."""
        return await self._database.read(lambda c: _find_request(c, tenant, sighting))

    async def get(self, tenant: str, capture_id: str) -> StoredCapture:
        """See `CaptureStore.get`."""
        return await self._database.read(lambda c: _get(c, tenant, capture_id))

    async def body(self, tenant: str, capture_id: str) -> bytes:
        """See `CaptureStore.body`."""

        def job(connection: Connection) -> bytes:
            capture = _get(connection, tenant, capture_id)
            tree = _tree(connection, tenant, capture.known.signatures.full)
            if capture.erase_time is not None or tree is None or tree.body is None:
                raise FailedPrecondition(f"the body of capture {capture_id} was erased")
            return bytes(tree.body)

        return await self._database.read(job)

    async def known(self, tenant: str, full_digest: bytes) -> Known | None:
        """See `CaptureStore.known`."""

        def job(connection: Connection) -> Known | None:
            tree = _tree(connection, tenant, full_digest)
            if tree is None or tree.body is None or not tree.complete:
                return None
            return rows.known_of_tree(tree)

        return await self._database.read(job)

    async def newest(
        self, tenant: str, count: int, *, before: int | None, app: str, session_id: str
    ) -> Sequence[StoredCapture]:
        """See `CaptureStore.newest`."""
        statement = _ROWS.where(_OF_TENANT).order_by(CAPTURES.c.position.desc()).limit(count)
        if before is not None:
            statement = statement.where(CAPTURES.c.position < before)
        if app:
            statement = statement.where(CAPTURES.c.app == app)
        if session_id:
            statement = statement.where(CAPTURES.c.session_id == session_id)
        return await self._database.read(lambda c: _all(c, statement, tenant=tenant))

    async def after(self, tenant: str, position: int, count: int) -> Sequence[StoredCapture]:
        """See `CaptureStore.after`."""
        return await self._database.read(
            lambda c: _all(c, _AFTER, tenant=tenant, position=position, count=count)
        )

    async def last_position(self, tenant: str) -> int:
        """See `CaptureStore.last_position`."""
        return await self._database.read(
            lambda c: int(c.execute(_LAST, {"tenant": tenant}).scalar_one())
        )

    async def erase(self, tenant: str, capture_id: str, time: int) -> StoredCapture:
        """See `CaptureStore.erase`."""

        def job(connection: Connection) -> StoredCapture:
            digest = _get(connection, tenant, capture_id).known.signatures.full
            connection.execute(_SET_ERASED, {"t": tenant, "c": capture_id, "e": time})
            key = {"tenant": tenant, "digest": digest}
            if not connection.execute(_OTHERS, key).scalar_one():
                connection.execute(_SET_BODY, {"t": tenant, "d": digest, "b": None})
            return _get(connection, tenant, capture_id)

        return await self._database.write(job)


def _all(
    connection: Connection, statement: Select[Any], **values: str | int
) -> Sequence[StoredCapture]:
    return [rows.capture_of_row(row) for row in connection.execute(statement, values)]


def _get(connection: Connection, tenant: str, capture_id: str) -> StoredCapture:
    row = connection.execute(_BY_ID, {"tenant": tenant, "capture_id": capture_id}).one_or_none()
    if row is None:
        raise NotFound(f"no capture {capture_id!r:.120}")
    return rows.capture_of_row(row)


def _find_request(connection: Connection, tenant: str, sighting: Sighting) -> StoredCapture | None:
    if not sighting.request_id:
        return None
    key = {"tenant": tenant, "request_id": sighting.request_id}
    row = connection.execute(_BY_REQUEST, key).one_or_none()
    if row is None:
        return None
    if row.request_digest != sighting.request_digest:
        raise Conflict("request_id: used before, for another request")
    return rows.capture_of_row(row)


def _tree(connection: Connection, tenant: str, digest: bytes) -> Row[Any] | None:
    return connection.execute(_TREE, {"tenant": tenant, "digest": digest}).one_or_none()


def _ensure_tree(connection: Connection, tenant: str, known: Known, body: bytes | None) -> bool:
    """Whether the tree's body is stored now; a body that was erased comes back with a new one."""
    digest = known.signatures.full
    state = connection.execute(_STATE, {"tenant": tenant, "digest": digest}).one_or_none()
    if state is None or not state.has_body:
        if body is None:
            return False
        if state is None:
            connection.execute(_INSERT_TREE, rows.tree_values(tenant, known, body))
            return True
        connection.execute(_SET_BODY, {"t": tenant, "d": digest, "b": body})
    if not state.complete and not known.incompleteness:
        connection.execute(_SET_COMPLETE, {"t": tenant, "d": digest})
    return True
