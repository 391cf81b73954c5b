"""A tenant's data keys in memory, and what a transaction does with them.

Invariants:
1. A body is bound to its tenant, table, column, row and data key: moved elsewhere, it is refused.
2. A body is sealed with a key that stands in the database, looked up in the same transaction: with
   one that was destroyed meanwhile nothing more is sealed.
3. A key seals no more bodies than were reserved in the database before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Executable

from systemzero_core.errors import DataCorrupted
from systemzero_storage.sealing.cipher import AESGCM, InvalidTag, bound, decrypt, encrypt
from systemzero_storage.tenancy.bodies import (
    RowKey,
    Transaction,
    header,
    key_number,
    place,
)

_HEADER_BYTES = len(header(0))


class KeysWanted(Exception):
    """A job needs a key that is not at hand: it is run again when it was fetched or made.

    Attributes:
        to_seal: whether it is one to seal with.
    """

    def __init__(self, what: str, *, to_seal: bool) -> None:
        super().__init__(what)
        self.to_seal = to_seal


class KeyLost(DataCorrupted):
    """What a data key sealed is there, and the key is not; `metadata` has the tenant.

    An erasure leaves no such body: it overwrites what it destroyed the key of.
    """

    def __init__(self, tenant: str, what: str, where: str = "") -> None:
        sealed = f", and {where} is sealed with it" if where else ""
        super().__init__(
            f"tenant {tenant!r:.80}: {what}{sealed}: restore the table data_keys from a backup; "
            "or, if the tenant was to be erased, finish it by `sz-admin erase-tenant`",
            metadata={"tenant": tenant},
        )


class Reserved:
    """The key that seals, and how many more bodies this process may seal with it."""

    __slots__ = ("left", "number")

    def __init__(self, number: int, left: int) -> None:
        self.number, self.left = number, left


class TenantKeys:
    """What was read of a tenant's keys, at one time.

    Attributes:
        read_at: when, by a monotonic clock.
        reserved: None until something is to be sealed.
    """

    __slots__ = ("_destroyed", "_opened", "read_at", "reserved")

    def __init__(
        self,
        opened: Mapping[int, AESGCM],
        destroyed: frozenset[int],
        reserved: Reserved | None,
        read_at: float,
    ) -> None:
        self._opened = opened
        self._destroyed = destroyed
        self.reserved = reserved
        self.read_at = read_at

    @property
    def newest(self) -> int:
        """The number of the key to seal with; 0 if there is none."""
        return max(self._opened, default=0)

    @property
    def last(self) -> int:
        """The highest number that was ever given; 0 if none was."""
        return max((*self._opened, *self._destroyed), default=0)

    def to_open(self, number: int) -> AESGCM | None:
        """The key of this number; None if it was destroyed.

        Raises:
            KeysWanted: it is not known here.
        """
        if number in self._destroyed:
            return None
        if number not in self._opened:
            raise KeysWanted(f"data key {number} is missing", to_seal=False)
        return self._opened[number]

    def to_seal(self) -> tuple[int, AESGCM]:
        """The key to seal one body with, and its number; the use is counted.

        Raises:
            KeysWanted: there is none, or no use of it is left.
        """
        reserved = self.reserved
        if reserved is None or reserved.left < 1:
            raise KeysWanted("no data key is reserved", to_seal=True)
        reserved.left -= 1
        return reserved.number, self._opened[reserved.number]


class SealedBodies:
    """The `Bodies` of one transaction."""

    __slots__ = ("_keys", "_live", "_stands")

    def __init__(self, keys: TenantKeys, stands: Executable) -> None:
        """`stands` selects something if the data key `number` is there and not destroyed."""
        self._keys = keys
        self._stands = stands
        self._live = 0

    def seal(self, connection: Transaction, column: Column[Any], row: RowKey, body: bytes) -> bytes:
        """See `Bodies.seal`."""
        number, key = self._keys.to_seal()
        if self._live != number:
            if connection.execute(self._stands, {"number": number}).first() is None:
                self._keys.reserved = None
                raise KeysWanted(f"data key {number} was destroyed", to_seal=True)
            self._live = number
        return header(number) + encrypt(key, body, _belongs(connection, column, row, number))

    def open(
        self, connection: Transaction, column: Column[Any], row: RowKey, stored: bytes
    ) -> bytes:
        """See `Bodies.open`."""
        number = key_number(column, row, stored)
        if number is None:
            return bytes(stored)
        key = self._keys.to_open(number)
        if key is None:
            raise KeyLost(connection.tenant, f"data key {number} was destroyed", place(column, row))
        try:
            sealed = bytes(stored[_HEADER_BYTES:])
            return decrypt(key, sealed, _belongs(connection, column, row, number))
        except InvalidTag:
            raise DataCorrupted(f"{place(column, row)} is not what was stored there") from None


def _belongs(connection: Transaction, column: Column[Any], row: RowKey, number: int) -> bytes:
    table = column.table.name
    return bound("systemzero body 1", connection.tenant, table, column.name, number, *row)
