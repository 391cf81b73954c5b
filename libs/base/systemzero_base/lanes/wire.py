"""What goes between a service and its lanes: frames over a pair of sockets.

A frame is a byte that says what it is, the length of its body (8 bytes, big-endian), and the body.
What comes from a lane is never unpickled: a lane reads what strangers send.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from enum import IntEnum
from typing import Final

import msgspec

from systemzero_core import errors as domain

_HEAD: Final = struct.Struct("!BQ")
_GRANT: Final = struct.Struct("!Q?")
_MOST_VIOLATIONS: Final = 500


class Kind(IntEnum):
    """What a frame is; the first three go to the lane, the others come from it."""

    WORK = 1
    """Bytes of memory that the lane may have (8, big-endian); pickled: function and arguments."""
    ANSWER = 2
    """The answer to a question."""
    NO_ANSWER = 3
    """There is none: give the work up."""
    READY = 4
    """The lane takes work."""
    QUESTION = 5
    """What the work asks."""
    RESULT = 6
    """`Spent`, then the result."""
    ERROR = 7
    """`Spent`, then a `LaneError`."""
    MEMORY = 8
    """`Spent`: memory did not suffice. The lane ends itself."""


class Ended(Exception):
    """The other side is gone."""


class Spent(msgspec.Struct, frozen=True, array_like=True):
    """What a piece of work took.

    Attributes:
        cpu: seconds of processor time.
        stages: seconds by the names of its stages.
        last: whether the lane ends itself now, to give memory back.
    """

    cpu: float = 0.0
    stages: tuple[tuple[str, float], ...] = ()
    last: bool = False


class LaneError(msgspec.Struct, frozen=True, array_like=True):
    """An error on its way: one of the domain's by its class, another as its traceback."""

    name: str
    message: str
    metadata: dict[str, str] = {}
    violations: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, error: domain.DomainError) -> LaneError:
        """`error`; of very many violations the first ones."""
        violations = tuple(getattr(error, "violations", ()))
        if len(violations) > _MOST_VIOLATIONS:
            more = ("", f"and {len(violations) - _MOST_VIOLATIONS} more")
            violations = (*violations[:_MOST_VIOLATIONS], more)
        return cls(type(error).__name__, error.message, error.metadata, violations)

    def error(self) -> Exception:
        """As it was raised; what is none of the domain's is a `LaneFault`."""
        found = getattr(domain, self.name, None)
        if not (isinstance(found, type) and issubclass(found, domain.DomainError)):
            return LaneFault(self.message)
        if issubclass(found, domain.RateLimited | domain.Overloaded):
            return domain.Unavailable(self.message, metadata=self.metadata)
        error = found(self.message, metadata=self.metadata)
        if isinstance(error, domain.InvalidInput):
            error.violations = tuple(domain.FieldViolation(*each) for each in self.violations)
        return error


class LaneFault(Exception):
    """Work failed by a fault of the program; the message is the traceback, for the log alone."""


def pack(kind: Kind, *parts: bytes) -> bytes:
    """A frame."""
    return b"".join((head(kind, *parts), *parts))


def head(kind: Kind, *parts: bytes) -> bytes:
    """What a frame begins with whose body is `parts`."""
    return _HEAD.pack(kind, sum(map(len, parts)))


def grant(granted: int, packed: bytes, *, makes_way: bool = False) -> tuple[bytes, bytes]:
    """The body of a WORK frame, in parts."""
    return _GRANT.pack(granted, makes_way), packed


def split_grant(body: bytes) -> tuple[int, bool, memoryview]:
    """Bytes of memory that work may have, whether it makes way for other work, and it, pickled."""
    return *_GRANT.unpack_from(body), memoryview(body)[_GRANT.size :]


def pack_spent(kind: Kind, spent: Spent, body: bytes = b"") -> bytes:
    """A frame that begins with what the work took."""
    said = msgspec.msgpack.encode(spent)
    return pack(kind, len(said).to_bytes(4), said, body)


def split_spent(body: bytes) -> tuple[Spent, bytes]:
    """What the work took, and the rest of such a frame.

    Raises:
        msgspec.MsgspecError: the frame is damaged.
    """
    end = 4 + int.from_bytes(body[:4])
    return msgspec.msgpack.decode(body[4:end], type=Spent), body[end:]


def receive(connection: socket.socket) -> tuple[Kind, bytes]:
    """The next frame; blocks.

    Raises:
        Ended: there is none.
    """
    kind, length = _HEAD.unpack(_exactly(connection, _HEAD.size))
    return Kind(kind), bytes(_exactly(connection, length))


def _exactly(connection: socket.socket, length: int) -> bytearray:
    buffer = bytearray(length)
    view = memoryview(buffer)
    while view:
        if not (count := connection.recv_into(view)):
            raise Ended
        view = view[count:]
    return buffer


async def receive_soon(connection: socket.socket, most: int) -> tuple[Kind, bytes]:
    """The next frame, of `most` bytes, without keeping the event loop.

    Raises:
        Ended: there is none, or it is no frame.
    """
    kind, length = _HEAD.unpack(await _exactly_soon(connection, _HEAD.size))
    if length > most or kind not in frozenset(Kind):
        raise Ended
    return Kind(kind), bytes(await _exactly_soon(connection, length))


async def _exactly_soon(connection: socket.socket, length: int) -> bytearray:
    buffer, loop = bytearray(length), asyncio.get_running_loop()
    view = memoryview(buffer)
    while view:
        try:
            count = await loop.sock_recv_into(connection, view)
        except OSError:
            count = 0
        if not count:
            raise Ended
        view = view[count:]
    return buffer
