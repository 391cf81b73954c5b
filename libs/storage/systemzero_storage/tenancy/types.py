"""Column types that both databases know."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import LargeBinary, TypeDecorator


class PackedId(TypeDecorator[str]):
    """An id as `new_id` makes it (`cap_` and 32 hexadecimal digits), stored in 17 bytes.

    Whatever else is asked for is stored as it is, behind another first byte: an id that somebody
    made up is compared like any other, and finds nothing.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, prefix: str = "") -> None:
        super().__init__()
        self.prefix = prefix
        self._whole = re.compile(f"{re.escape(prefix)}_([0-9a-f]{{32}})")

    def process_bind_param(self, value: str | None, dialect: Any) -> bytes | None:
        """See `TypeDecorator`."""
        if value is None:
            return None
        whole = self._whole.fullmatch(value)
        return b"\1" + bytes.fromhex(whole[1]) if whole else b"\0" + value.encode()

    def process_result_value(self, value: bytes | None, dialect: Any) -> str | None:
        """See `TypeDecorator`."""
        if value is None:
            return None
        rest = bytes(value[1:])
        return f"{self.prefix}_{rest.hex()}" if value[:1] == b"\1" else rest.decode()
