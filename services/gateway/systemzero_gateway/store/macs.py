"""MACs over the rows that authentication believes, under a key that is not in the database.

Without them, whoever writes into the database and has any key gives it another's role, or its
secret another's key.

Invariants:
1. A row that ended as `endings` know does not fit where it says otherwise.
2. A MAC covers the table's name and every column but those that change without anybody's decision.
   What is NULL is left out: a table that gets a column keeps its MACs.
3. No row gets a new MAC unless its old one fits: no change makes good what was altered.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping, Table

from systemzero_base.keyfile import derived
from systemzero_base.telemetry.logs import get_logger
from systemzero_core.errors import DataCorrupted
from systemzero_gateway.metrics import ALTERED_ROWS
from systemzero_gateway.store.endings import Endings

_PURPOSE: Final = b"systemzero gateway rows of keys and tenants"
_ENDING: Final = {
    "api_keys": (("key_id", "revoke_time"),),
    "key_secrets": (("digest", "expire_time"),),
}
"""Of which tables what only ever ends: by which column it is called, and which says when."""
_UNCOVERED: Final = frozenset({"mac", "last_use_time", "revision"})


class RowMacs:
    """Makes and checks them. Rows are given as what was read, by the table's columns.

    Attributes:
        endings: what is known to have ended.
    """

    def __init__(self, pepper: bytes, endings: Endings | None = None) -> None:
        self._key = derived(pepper, _PURPOSE)
        # not `or`: one that knows of no end yet is false
        self.endings = Endings(pepper) if endings is None else endings

    def added(self, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
        """A new row, with its MAC."""
        return {**values, "mac": self._mac(table, values)}

    def changed(self, table: Table, row: RowMapping, values: Mapping[str, Any]) -> dict[str, Any]:
        """What to write so that `row` has `values`.

        Raises:
            DataCorrupted: the row is not as it was written.
        """
        self.require(table, row)
        return {**values, "mac": self._mac(table, {**_values(table, row), **values})}

    def require(self, table: Table, row: RowMapping) -> None:
        """Refuse a row that is not as it was written.

        Raises:
            DataCorrupted: it is not; names the row.
        """
        if not self.fits(table, row):
            raise DataCorrupted(
                f"{table.name}: the row of {named(table, row):.80} was altered in the database; "
                "put it back from a backup"
            )

    def vouch(self, table: Table, row: RowMapping) -> bool:
        """Whether a row is as it was written; one that is not is told in the log and counted."""
        if self.fits(table, row):
            return True
        ALTERED_ROWS.labels(table.name).inc()
        get_logger("gateway").error(
            "a row was altered in the database", table=table.name, id=named(table, row)
        )
        return False

    def fits(self, table: Table, row: RowMapping) -> bool:
        """Whether a row is as it was written."""
        if not hmac.compare_digest(row[table.c.mac], self._mac(table, _values(table, row))):
            return False
        return all(
            self.endings.allows(table.name, _name(row[table.c[name]]), row[table.c[end]])
            for name, end in _ENDING.get(table.name, ())
        )

    def note_end(self, table: Table, row: RowMapping) -> None:
        """Have a row that fits, and says when what it is of ends, never say a later time again."""
        for name, end in _ENDING.get(table.name, ()):
            if row[table.c[end]] is not None and self.fits(table, row):
                self.endings.note(table.name, _name(row[table.c[name]]), row[table.c[end]])

    def _mac(self, table: Table, values: Mapping[str, Any]) -> bytes:
        covered = {
            str(name): value
            for name, value in sorted(values.items())
            if value is not None and name not in _UNCOVERED
        }
        row = msgspec.msgpack.encode([str(table.name), covered])
        return hmac.digest(self._key, row, "sha256")


def named(table: Table, row: RowMapping) -> str:
    """Whose row it is: the key's id or the tenant, no secret's digest."""
    return str(row[table.c.key_id if "key_id" in table.c else table.c.tenant])


def _name(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _values(table: Table, row: RowMapping) -> dict[str, Any]:
    return {column.name: row[column] for column in table.columns}
