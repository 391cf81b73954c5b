"""A bounded memory of what was used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lru(Generic[K, V]):
    """At most `capacity` entries; the one that was not used for longest is forgotten first.

    Where values are large or small, `size_of` one with its key says how many bytes it takes, and
    all have `most_bytes` together: what is larger by itself is not remembered.
    """

    def __init__(
        self,
        capacity: int,
        size_of: Callable[[K, V], int] | None = None,
        most_bytes: int = 0,
    ) -> None:
        self._capacity = capacity
        self._size_of = size_of
        self.most_bytes = most_bytes
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """The bytes that all entries take, by `size_of`."""
        return self._bytes

    def get(self, key: K) -> V | None:
        """The value under `key`, which counts as a use."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember `value` under `key`."""
        self.forget(key)
        size = self._size(key, value)
        if self._size_of is not None and size > self.most_bytes:
            return  # what is there is not pushed out for what can't stay
        self._entries[key] = value
        self._bytes += size
        self._shrink()

    def limit(self, most_bytes: int) -> None:
        """Remember no more than so many bytes from now on."""
        self.most_bytes = most_bytes
        self._shrink()

    def keys(self) -> list[K]:
        """Every key that is remembered, the one that was not used for longest first."""
        return list(self._entries)

    def forget(self, key: K) -> None:
        """Drop what is under `key`, if anything is."""
        value = self._entries.pop(key, None)
        if value is not None:
            self._bytes -= self._size(key, value)

    def _shrink(self) -> None:
        while len(self._entries) > self._capacity or self._bytes > self.most_bytes:
            self.forget(next(iter(self._entries)))

    def _size(self, key: K, value: V) -> int:
        return 0 if self._size_of is None else self._size_of(key, value)
