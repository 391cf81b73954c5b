"""Bodies as they stand in a column: as they are, or sealed with a key of their tenant.

A body that is not as it is begins with a zero byte, as no other does: neither Zstandard, nor JSON,
nor a message of protobuf can. So what was stored before bodies were sealed is told from the rest.

    0x00 | 0x01 | number of the data key, 4 bytes | nonce, 12 bytes | ciphertext and tag (AES-GCM)

The number 0 is no key's: what follows it is nothing, and the body was erased.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final, Protocol

from sqlalchemy import Column, CursorResult, Executable

from systemzero_core.errors import DataCorrupted, FailedPrecondition

HEADER: Final = Struct(">BBI")
_MARK: Final = b"\0"
_FORM: Final = 1
ERASED: Final = HEADER.pack(0, _FORM, 0)
"""What stands in the place of a body that was erased."""

RowKey = tuple[bytes | str | int, ...]
"""What tells a row of a table from the tenant's others."""


class BodyErased(FailedPrecondition):
    """The body was erased, or the data key that sealed it was destroyed."""


class Transaction(Protocol):
    """What bodies are told of the transaction that they stand in; see `TenantConnection`.

    Attributes:
        tenant: whose rows it reaches.
    """

    tenant: str

    def execute(
        self, statement: Executable, values: dict[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement on the tenant's rows."""
        ...


class Bodies(Protocol):
    """What a transaction seals and opens bodies with; see `TenantConnection.seal` and `open`."""

    def seal(self, connection: Transaction, column: Column[Any], row: RowKey, body: bytes) -> bytes:
        """`body` as it is to be stored."""
        ...

    def open(
        self, connection: Transaction, column: Column[Any], row: RowKey, stored: bytes
    ) -> bytes:
        """The body that was stored."""
        ...


class PlainBodies:
    """Bodies as they are; nothing that is sealed is opened."""

    def seal(
        self, _connection: Transaction, column: Column[Any], row: RowKey, body: bytes
    ) -> bytes:
        """See `Bodies.seal`."""
        if body[:1] == _MARK:
            raise ValueError(f"{place(column, row)}: a body begins with a zero byte")
        return body

    def open(
        self, _connection: Transaction, column: Column[Any], row: RowKey, stored: bytes
    ) -> bytes:
        """See `Bodies.open`."""
        if key_number(column, row, stored) is None:
            return bytes(stored)
        raise FailedPrecondition(f"{place(column, row)} is sealed, and no key is configured")


def key_number(column: Column[Any], row: RowKey, stored: bytes) -> int | None:
    """The number of the data key that sealed a body; None for a body as it is.

    Raises:
        BodyErased: it was erased.
        DataCorrupted: it is neither.
    """
    if stored[:1] != _MARK:
        return None
    if stored == ERASED:
        raise BodyErased(f"{place(column, row)} was erased")
    if len(stored) < HEADER.size or stored[1] != _FORM:
        raise DataCorrupted(f"{place(column, row)} is sealed in no form that is known")
    return int(HEADER.unpack_from(stored)[2])


def header(number: int) -> bytes:
    """What a body begins with that the data key of this number seals."""
    return HEADER.pack(0, _FORM, number)


def place(column: Column[Any], row: RowKey) -> str:
    """Where a body stands, for people: `trees row 1f2e…: body`."""
    shown = "/".join(part.hex() if isinstance(part, bytes) else str(part) for part in row)
    return f"{column.table.name} row {shown:.120}: {column.name}"
