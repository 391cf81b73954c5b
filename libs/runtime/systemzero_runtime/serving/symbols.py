"""Symbols for gRPC reflection: those of the default descriptor pool, and methods by their names.

protobuf's pool finds the file of a service but not that of a method, which
`grpcurl describe SERVICE.METHOD` asks for.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor


class SymbolPool:
    """The default descriptor pool, as far as reflection asks it."""

    def __init__(self) -> None:
        self._pool: Any = descriptor_pool.Default()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802 - as the pool's
        """The file that defines a message, an enum, a service, a field or a method.

        Raises:
            KeyError: there is none.
        """
        try:
            file: FileDescriptor = self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            found = self._pool.FindServiceByName(service)
            if method not in found.methods_by_name:
                raise
            file = found.file
        return file
