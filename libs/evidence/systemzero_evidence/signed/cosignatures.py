"""The cosignatures of witnesses in SQL: synchronous, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from systemzero_core.errors import DataCorrupted, InvalidInput
from systemzero_core.tlog import LogVerificationError, WitnessKey, cosignature_line
from systemzero_evidence.rows.tables import LogTables
from systemzero_evidence.signed.checkpoints import Checkpoints


class Cosignatures:
    """The statements on the cosignatures of one set of tables.

    Attributes:
        witnesses: those whose cosignatures are asked for and served, as C2SP vkey texts.
    """

    def __init__(
        self, tables: LogTables, checkpoints: Checkpoints, witnesses: Sequence[str]
    ) -> None:
        table = tables.cosignatures
        self.table = table
        self.witnesses = tuple(witnesses)
        self._checkpoints = checkpoints
        by_witness = (
            table.c.tenant == bindparam("tenant"),
            table.c.witness == bindparam("witness"),
        )
        self._insert = insert(table)
        self._line = select(table.c.line).where(*by_witness, table.c.size == bindparam("size"))
        signed = tables.checkpoints
        self._all = (
            select(table.c.witness, table.c.size, table.c.line, signed.c.note)
            .join_from(
                table,
                signed,
                (table.c.tenant == signed.c.tenant) & (table.c.size == signed.c.size),
                isouter=True,
            )
            .where(table.c.tenant == bindparam("tenant"))
        )
        self._last = select(func.coalesce(func.max(table.c.size), 0)).where(*by_witness)

    def last_size(self, connection: Connection, tenant: str, witness: str) -> int:
        """The size of the largest checkpoint that the witness cosigned; 0 for none."""
        parameters = {"tenant": tenant, "witness": witness}
        return int(connection.execute(self._last, parameters).scalar_one())

    def put(self, connection: Connection, tenant: str, witness: str, size: int, line: str) -> None:
        """Keep a cosignature that was verified; the first one of a checkpoint stays."""
        if self._at(connection, tenant, witness, size) is None:
            row = {"tenant": tenant, "witness": witness, "size": size, "line": line}
            connection.execute(self._insert, row)

    def check(self, connection: Connection, tenant: str) -> None:
        """Check every cosignature of the tenant's log.

        Raises:
            DataCorrupted: one is not its witness's, or of a checkpoint that is gone.
        """
        for row in connection.execute(self._all, {"tenant": tenant}):
            if not _stands(row):
                raise DataCorrupted(
                    f"the cosignature by {row.witness!r:.200} of the checkpoint of {row.size} "
                    "entries was altered, or the checkpoint was"
                )

    def newest(self, connection: Connection, tenant: str) -> list[str]:
        """The newest checkpoint that each witness cosigned, with all cosignatures it has.

        Raises:
            DataCorrupted: a checkpoint that was cosigned is gone.
        """
        sizes = {self.last_size(connection, tenant, witness) for witness in self.witnesses}
        return [self._cosigned(connection, tenant, size) for size in sorted(sizes - {0})]

    def _cosigned(self, connection: Connection, tenant: str, size: int) -> str:
        stored = self._checkpoints.at(connection, tenant, size)
        if stored is None:
            raise DataCorrupted(f"the checkpoint of {size} entries, which was cosigned, is gone")
        lines = [self._at(connection, tenant, witness, size) for witness in self.witnesses]
        return stored.note + "".join(line for line in lines if line is not None)

    def _at(self, connection: Connection, tenant: str, witness: str, size: int) -> str | None:
        parameters = {"tenant": tenant, "witness": witness, "size": size}
        line: str | None = connection.execute(self._line, parameters).scalar()
        return line


def _stands(row: Row[*tuple[Any, ...]]) -> bool:
    try:
        line = cosignature_line(row.line, row.note or "", WitnessKey.parse(row.witness))
    except (LogVerificationError, InvalidInput):
        return False
    return bool(line == row.line)
