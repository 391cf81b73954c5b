"""Trees, each stored once by its full digest; rows within a transaction."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, bindparam, insert, select, update

from systemzero_capture.model import ContentFacts, StoredCapture
from systemzero_capture.store import rows
from systemzero_capture.store.tables import TREES
from systemzero_core.errors import FailedPrecondition
from systemzero_storage.database import TENANT, TenantConnection

_T = TREES.c
_THIS = (_T.tenant == TENANT, _T.full_digest == bindparam("full"))
_TREE = select(TREES).where(*_THIS)
HAS_BODY: Final = select(_T.body.is_not(None)).where(*_THIS)
"""Whether the body of the tree `full` is stored; no row if the tree was never seen."""
IS_COMPLETE: Final = select(_T.complete).where(*_THIS)
"""Whether a complete capture gave the tree `full`; no row if it was never seen."""
WHOLE: Final = IS_COMPLETE.where(_T.complete, _T.body.is_not(None))
"""A row if the tree `full` is stored with its body, and a complete capture gave it."""
_INSERT = insert(TREES)
_SET_BODY = update(TREES).where(*_THIS).values(body=bindparam("new_body"))
_SET_COMPLETE = update(TREES).where(*_THIS).values(complete=True)


def known(connection: TenantConnection, full_digest: bytes) -> ContentFacts | None:
    """See `CaptureStore.known`."""
    tree = _find(connection, full_digest)
    if tree is None or tree.body is None or not tree.complete:
        return None
    return rows.known_of_tree(tree)


def body(connection: TenantConnection, capture: StoredCapture) -> bytes:
    """See `CaptureStore.body`."""
    tree = _find(connection, capture.known.signatures.full)
    if capture.erase_time is not None or tree is None or tree.body is None:
        raise FailedPrecondition(f"the body of capture {capture.capture_id} was erased")
    return connection.open(_T.body, tree.body, tree.full_digest)


def ensure(
    connection: TenantConnection,
    has_body: bool | None,
    complete: bool | None,
    known: ContentFacts,
    body: bytes | None,
) -> bool:
    """Whether the tree's body is stored now; a body that was erased comes back with a new one.

    `has_body` and `complete` are as the statements of these names say, None without a row.
    """
    digest = known.signatures.full
    if not has_body:
        if body is None:
            return False
        stored = connection.seal(_T.body, body, digest)
        if has_body is None:
            connection.execute(_INSERT, rows.tree_values(known, stored))
            return True
        connection.execute(_SET_BODY, {"full": digest, "new_body": stored})
    if not complete and not known.incompleteness:
        connection.execute(_SET_COMPLETE, {"full": digest})
    return True


def _find(connection: TenantConnection, digest: bytes) -> Row[Any] | None:
    return connection.execute(_TREE, {"full": digest}).one_or_none()
