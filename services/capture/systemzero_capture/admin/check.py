"""The full check of what the capture service holds: each body is the one its digests say.

The log has the digests of the captures that events are of, so a tree that is as its digests say is
the one that was recorded; so it is with what was kept as it was sent. Read a page at a time, while
the service may go on serving.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import zstandard
from sqlalchemy import Row, bindparam, exists, select

from systemzero_base.secrets import read_private
from systemzero_capture.kept.originals import NATIVE_TYPE, is_intact
from systemzero_capture.model import Original, OriginalKind
from systemzero_capture.peers.notes import NoteMacs
from systemzero_capture.places import PAGE_TOKENS
from systemzero_capture.store import SqlCaptureStore, rows
from systemzero_capture.store.tables import BLOBS, CAPTURES, KINDS, ORIGINALS, TREES, VERDICT_BODIES
from systemzero_core.errors import DataCorrupted, DomainError, FailedPrecondition
from systemzero_core.signature import sign
from systemzero_storage.database import TENANT, BodyErased, Database, TenantConnection
from systemzero_storage.tenancy.tenants import tenants_of
from systemzero_storage.tree_body import decompress

_PAGE: Final = 200
_BLOB_PAGE: Final = 10  # of up to megabytes each
_B, _C, _K, _O, _T = BLOBS.c, CAPTURES.c, KINDS.c, ORIGINALS.c, TREES.c
_TREES = (
    select(TREES)
    .where(_T.tenant == TENANT, _T.full_digest > bindparam("after"))
    .order_by(_T.full_digest)
    .limit(_PAGE)
)
_KINDS = (
    select(KINDS)
    .where(_K.tenant == TENANT, _K.kind > bindparam("after"))
    .order_by(_K.kind)
    .limit(_PAGE)
)
_NO_KIND = select(_C.capture_id).where(
    _C.tenant == TENANT, ~exists(select(_K.kind).where(_K.tenant == _C.tenant, _K.kind == _C.kind))
)
_BLOBS = (
    select(BLOBS)
    .where(_B.tenant == TENANT, _B.sha256 > bindparam("after"))
    .order_by(_B.sha256)
    .limit(_BLOB_PAGE)
)
_NO_BLOB = select(_O.sha256).where(
    _O.tenant == TENANT,
    ~exists(select(_B.size).where(_B.tenant == _O.tenant, _B.sha256 == _O.sha256)),
)
_NO_TREE = select(_K.kind).where(
    _K.tenant == TENANT,
    ~exists(select(_T.node_count).where(_T.tenant == _K.tenant, _T.full_digest == _K.full_digest)),
)

AnyRow = Row[*tuple[Any, ...]]


async def check_service(
    database: Database, folder: Path, _origin: str, _notes: list[str]
) -> AsyncIterator[str]:
    """The check of `sz-admin check`; see `systemzero_admin.check.Check`.

    Raises:
        DataCorrupted: the first row that is not as it was stored, named, with its tenant.
        FailedPrecondition: the secret that notes of erasures are checked by is missing.
    """
    await _check_notes(database, folder / PAGE_TOKENS)
    for tenant in await database.read(lambda c: tenants_of(c, CAPTURES)):
        try:
            trees = await _check_tenant(database, tenant)
        except DataCorrupted as error:
            raise DataCorrupted(f"tenant {tenant!r:.80}: {error.message}") from error
        yield f"tenant {tenant}: {trees} trees are what their digests say"


async def _check_notes(database: Database, secret: Path) -> None:
    """Check that the service itself wrote each note of an erasure."""
    store, seen, macs = SqlCaptureStore(database), 0, None
    while page := await store.unfinished_erasures(seen):
        macs = macs or NoteMacs(_read(secret))
        seen += len(page)
        for note in page:
            if not macs.holds(note):
                raise DataCorrupted(
                    f"tenant {note.tenant!r:.80}: the note in erasures that {note.capture_id} is "
                    "to be erased is not by the service (or the key was lost): delete the row, and "
                    "DeleteCapture again if the capture is to go"
                )


def _read(secret: Path) -> bytes:
    try:
        return read_private(secret)
    except FileNotFoundError:
        raise FailedPrecondition(
            f"{secret} is missing, and the database has notes of erasures that are checked by it: "
            "restore it from a backup of the data folder"
        ) from None


async def _check_tenant(database: Database, tenant: str) -> int:
    own = database.of(tenant)
    count, digest = 0, b""
    while page := await own.read(lambda c, after=digest: _check_trees(c, after)):  # type: ignore[misc]
        count, digest = count + len(page), page[-1]
    kind = 0
    while found := await own.read(lambda c, after=kind: _check_kinds(c, after)):  # type: ignore[misc]
        kind = found
    digest = b""
    while verdicts := await own.read(lambda c, after=digest: VERDICT_BODIES.check(c, after)):  # type: ignore[misc]
        digest = verdicts
    digest = b""
    while blobs := await own.read(lambda c, after=digest: _check_blobs(c, after)):  # type: ignore[misc]
        digest = blobs
    await own.read(_check_references)
    return count


def _check_trees(connection: TenantConnection, after: bytes) -> list[bytes]:
    """Check the next trees; their digests."""
    page = connection.execute(_TREES, {"after": after}).all()
    for row in page:
        if row.body is not None and not _stands(connection, row):
            raise DataCorrupted(f"trees row {row.full_digest.hex()} was altered")
    return [row.full_digest for row in page]


def _stands(connection: TenantConnection, row: AnyRow) -> bool:
    """Whether the body is the tree of the row's digests, with as many nodes; or was erased."""
    try:
        body = connection.open(_T.body, row.body, row.full_digest)
    except BodyErased:
        return True
    try:
        tree = decompress(body)
    except (zstandard.ZstdError, DomainError):
        return False
    stored = (row.full_digest, row.structure_digest, row.content_digest, row.node_count)
    return (*sign(tree), len(tree.nodes)) == stored


def _check_kinds(connection: TenantConnection, after: int) -> int:
    """Check the next kinds; the last one's number, 0 after the last."""
    last = 0
    for row in connection.execute(_KINDS, {"after": after}):
        last = row.kind
        try:
            opened = rows.opened_kind(connection, row)
        except BodyErased:
            continue
        if rows.kind_digest({**row._mapping, **opened}) != row.digest:  # noqa: SLF001 - its name
            raise DataCorrupted(f"kinds row {last} was altered")
    return last


def _check_blobs(connection: TenantConnection, after: bytes) -> bytes:
    """Check the next blobs; the last one's digest, empty after the last."""
    last = b""
    for row in connection.execute(_BLOBS, {"after": after}).all():
        last = row.sha256
        stored = Original(
            kind=OriginalKind.SCREENSHOT if row.media_type != NATIVE_TYPE else OriginalKind.NATIVE,
            media_type=row.media_type,
            size=row.size,
            sha256=row.sha256,
            body=connection.open(_B.body, row.body, row.sha256),
        )
        if not is_intact(stored):
            raise DataCorrupted(f"blobs row {row.sha256.hex()} was altered")
    return last


def _check_references(connection: TenantConnection) -> None:
    """Check that what is named is there."""
    if (kind := connection.execute(_NO_TREE).scalar()) is not None:
        raise DataCorrupted(f"kinds row {kind} is of a tree that is not there")
    if (digest := connection.execute(_NO_BLOB).scalar()) is not None:
        raise DataCorrupted(f"blob {digest.hex()} of a capture is not there")
    if (capture := connection.execute(_NO_KIND).scalar()) is not None:
        raise DataCorrupted(f"capture {capture} is of a kind that is not there")
