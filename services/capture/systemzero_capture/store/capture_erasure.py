"""Erasing a capture: its rows here at once, and a note of what others still have to erase.

Invariants:
1. The note (a row of `erasures`) is written with the erasure and goes only when everybody has done
   their part, so that a crash between them leaves nothing behind.
2. A tree that another capture shows stays for that one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update

from systemzero_capture.model import ErasureNote, ErasureRequest, StoredCapture
from systemzero_capture.store import kinds, originals, rows
from systemzero_capture.store.tables import CAPTURES, ERASURES, KINDS, TREES, VERDICT_BODIES
from systemzero_storage.database import TENANT, TenantConnection

_C, _E, _K, _T = CAPTURES.c, ERASURES.c, KINDS.c, TREES.c
_THIS = (_C.tenant == TENANT, _C.position == bindparam("at"))
_SET_ERASED = update(CAPTURES).where(*_THIS).values(erase_time=bindparam("at_time"))
_SET_KIND = update(CAPTURES).where(*_THIS).values(kind=bindparam("new_kind"))
_KIND_AT = (
    select(_C.kind, _K.verdict)
    .join(KINDS, (_K.tenant == _C.tenant) & (_K.kind == _C.kind))
    .where(*_THIS)
)
_DROP_UNUSED_KIND = delete(KINDS).where(
    _K.tenant == TENANT,
    _K.kind == bindparam("old_kind"),
    ~exists(select(_C.kind).where(_C.tenant == _K.tenant, _C.kind == _K.kind)),
)
_SHOWN_BY_OTHERS = (
    select(_C.position)
    .join(KINDS, (_K.tenant == _C.tenant) & (_K.kind == _C.kind))
    .where(_C.tenant == TENANT, _K.full_digest == bindparam("full"), _C.erase_time.is_(None))
    .limit(1)
)
_ERASE_BODY = (
    update(TREES).where(_T.tenant == TENANT, _T.full_digest == bindparam("full")).values(body=None)
)
_OF_CAPTURE = (_E.tenant == TENANT, _E.capture_id == bindparam("of_capture"))
_NOTE = insert(ERASURES)
_NOTE_ANEW = (
    update(ERASURES)
    .where(*_OF_CAPTURE)
    .values(
        create_time=bindparam("at_time"),
        principal_id=bindparam("who"),
        mac=bindparam("their_mac"),
    )
)
_DONE = delete(ERASURES).where(*_OF_CAPTURE)
_UNFINISHED: Final = (
    select(ERASURES)
    .order_by(_E.create_time, _E.tenant, _E.capture_id)
    .limit(100)
    .offset(bindparam("skipped"))
)


def erase(
    connection: TenantConnection,
    capture: StoredCapture,
    time: int,
    without_texts: Callable[[bytes], bytes],
    asked: ErasureRequest,
) -> None:
    """Erase what is stored of a capture, unless it was before, and note it; see `CaptureStore`."""
    at = {"at": capture.position}
    if capture.erase_time is None:
        connection.execute(_SET_ERASED, {**at, "at_time": time})
    _change_kind(connection, capture, without_texts)
    originals.drop(connection, [capture.position])
    full = {"full": capture.known.signatures.full}
    if connection.execute(_SHOWN_BY_OTHERS, full).first() is None:
        connection.execute(_ERASE_BODY, full)
    _note(connection, capture.capture_id, time, asked)


def _note(connection: TenantConnection, capture_id: str, time: int, asked: ErasureRequest) -> None:
    """Note an erasure; a note that is there may be somebody else's, and is written over."""
    said = {"at_time": time, "who": asked.principal_id, "their_mac": asked.mac}
    if connection.execute(_NOTE_ANEW, {"of_capture": capture_id, **said}).rowcount:
        return
    note = {"capture_id": capture_id, "create_time": time}
    connection.execute(_NOTE, {**note, **msgspec.structs.asdict(asked)})


def finish(connection: TenantConnection, capture_id: str) -> None:
    """Drop the note: everybody has erased their part."""
    connection.execute(_DONE, {"of_capture": capture_id})


def unfinished(connection: Connection, skipped: int) -> list[ErasureNote]:
    """Some notes of all tenants, the oldest first, after so many of them."""
    found = connection.execute(_UNFINISHED, {"skipped": skipped})
    return [
        ErasureNote(
            row.tenant, row.capture_id, row.create_time, ErasureRequest(row.principal_id, row.mac)
        )
        for row in found
    ]


def _change_kind(
    connection: TenantConnection,
    capture: StoredCapture,
    without_texts: Callable[[bytes], bytes],
) -> None:
    """Let the capture be of a kind without the screen's texts; the other goes, if unused."""
    at, replace = {"at": capture.position}, msgspec.structs.replace
    reasons = tuple(replace(reason, detail="") for reason in capture.known.incompleteness)
    known = replace(capture.known, incompleteness=reasons)
    verdict = without_texts(capture.verdict) if capture.verdict else b""
    old = connection.execute(_KIND_AT, at).one()
    values = rows.kind_values(known, capture.sighting, verdict)
    kind = kinds.number_of(connection, values, verdict)
    if kind != old.kind:
        connection.execute(_SET_KIND, {**at, "new_kind": kind})
        connection.execute(_DROP_UNUSED_KIND, {"old_kind": old.kind})
        VERDICT_BODIES.drop_unused(connection, [old.verdict])
