"""Statements on template versions, for one tenant within a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Executable, Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from systemzero_core.errors import Conflict, NotFound
from systemzero_core.template import Template
from systemzero_diff.model import StoredTemplate
from systemzero_diff.store import rows
from systemzero_diff.store.packed import PackedTemplate
from systemzero_diff.store.scoped import Scoped
from systemzero_diff.store.tables import TEMPLATES
from systemzero_diff.work.packed import ListedTemplate
from systemzero_storage.database import TENANT

_C = TEMPLATES.c
_OF_TENANT = _C.tenant == TENANT
_ALL = select(TEMPLATES).where(_OF_TENANT)
_NEWEST = _ALL.where(_C.newest.is_(True))
_LIVE = _NEWEST.where(_C.deleted.is_(False))
_BY_ID = _NEWEST.where(_C.template_id == bindparam("name"))
_BY_SCREEN = _LIVE.where(_C.screen_id == bindparam("name"))
_BY_VERSION = _ALL.where(_C.template_id == bindparam("name"), _C.version == bindparam("version"))
_LIST = (
    _LIVE.with_only_columns(*(column for column in _C if column is not _C.tree))
    .where(_C.screen_id > bindparam("after"))
    .order_by(_C.screen_id)
    .limit(bindparam("count"))
)
_CHANGES = (
    _NEWEST.where(_C.position > bindparam("after")).order_by(_C.position).limit(bindparam("count"))
)
_SUPERSEDE = (
    update(TEMPLATES)
    .where(_OF_TENANT, _C.template_id == bindparam("name"), _C.newest.is_(True))
    .values(newest=False)
)
_INSERT = insert(TEMPLATES)


class TemplateRows(Scoped):
    """See `Transaction`."""

    def template(self, name: str, version: int = 0) -> StoredTemplate:
        """See `Transaction.template`."""
        found = self._one(_BY_ID, name) or self._one(_BY_SCREEN, name)
        if found is not None and version:
            found = self._one(_BY_VERSION, found.template.template_id, version=version)
        if found is None:
            wanted = f" in version {version}" if version else ""
            raise NotFound(f"no template {name!r:.200}{wanted}")
        return found

    def find_screen(self, screen_id: str) -> StoredTemplate | None:
        """See `Transaction.find_screen`."""
        return self._one(_BY_SCREEN, screen_id)

    def templates(self, after: str, count: int, app: str) -> Sequence[ListedTemplate]:
        """See `Transaction.templates`."""
        statement = _LIST.where(_C.app == app) if app else _LIST
        values = {"after": after, "count": count}
        found = self._connection.execute(statement, values)
        return [rows.listed_of_row(self._connection, row) for row in found]

    def template_changes(self, after: int, count: int) -> Sequence[PackedTemplate]:
        """See `Transaction.template_changes`."""
        found = self._connection.execute(_CHANGES, {"after": after, "count": count})
        return [rows.packed_of_row(self._connection, row) for row in found]

    def put_template(
        self, template: Template, time: int, etag: str, *, deleted: bool = False
    ) -> StoredTemplate:
        """See `Transaction.put_template`."""
        self._connection.execute(_SUPERSEDE, {"name": template.template_id})
        values = {
            **rows.template_values(self._connection, template),
            "create_time": time,
            "etag": etag,
            "newest": True,
            "deleted": deleted,
        }
        try:
            key = self._connection.execute(_INSERT, values).inserted_primary_key
        except IntegrityError:
            raise Conflict(
                f"template {template.template_id} has a version {template.version} already"
            ) from None
        return StoredTemplate(template, key[0] if key else 0, time, etag, deleted)

    def _one(self, statement: Executable, name: str, **more: int) -> StoredTemplate | None:
        row = self._connection.execute(statement, {"name": name, **more}).one_or_none()
        return None if row is None else self._template(row)

    def _template(self, row: Row[Any]) -> StoredTemplate:
        return rows.template_of_row(self._connection, row)
