"""Work for lanes in tests. Lanes import this module: keep it small."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from systemzero_base.lanes.worker import WorkContext
from systemzero_core.errors import FieldViolation, InvalidInput


def echo(_desk: WorkContext, data: bytes) -> bytes:
    """What it was given."""
    return data


def pid(_desk: WorkContext) -> bytes:
    """Which process it is done by."""
    return str(os.getpid()).encode()


def ask(desk: WorkContext, question: bytes) -> bytes:
    """The answer to a question; it can be held up by that."""
    with desk.stage("asked"):
        return desk.ask(question)


def spin(desk: WorkContext) -> bytes:
    """Says that it begins, and never ends."""
    desk.ask(str(os.getpid()).encode())
    while True:
        pass


def spin_in_c(desk: WorkContext) -> bytes:
    """As `spin`, in C code that never comes back to the interpreter."""
    desk.ask(str(os.getpid()).encode())
    return str(sum(range(10**15))).encode()


def grow(_desk: WorkContext, count: int) -> bytes:
    """Takes so many bytes of memory, and gives them back."""
    return str(len(bytearray(count))).encode()


def begin_and_grow(desk: WorkContext, count: int) -> bytes:
    """As `grow`, and says that it begins."""
    desk.ask(b"begun")
    return grow(desk, count)


def block(desk: WorkContext) -> bytes:
    """Says that it begins, and waits for ever without any work."""
    desk.ask(str(os.getpid()).encode())
    signal.pause()
    return b""


def niceness(_desk: WorkContext) -> bytes:
    """How nice whoever does it is."""
    return str(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())).encode()


def grow_old(desk: WorkContext, niceness_of_old: int) -> bytes:
    """Works until it is so nice."""
    while int(niceness(desk)) < niceness_of_old:
        pass
    return niceness(desk)


def hoard(_desk: WorkContext, count: int) -> bytes:
    """Takes so many bytes of memory, and keeps them."""
    _HOARD.append(b"x" * count)
    return str(os.getpid()).encode()


_HOARD: list[bytes] = []


def make(_desk: WorkContext, count: int) -> bytes:
    """Comes back with so many bytes, which takes as much again on their way."""
    return bytes(count)


def refuse(_desk: WorkContext) -> bytes:
    """Raises an error of the domain's."""
    violations = (FieldViolation("nodes[3]", "no node"), FieldViolation("nodes[4]", "none"))
    raise InvalidInput("two nodes are none", violations, metadata={"limit": "2"})


def fail(_desk: WorkContext) -> bytes:
    """Raises what is no error of the domain's."""
    return bytes(1 // 0)


def interrupt(_desk: WorkContext) -> bytes:
    """Gets the signals that a whole group gets."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(os.getpid(), number)
    return b"still here"


def descriptors(_desk: WorkContext) -> bytes:
    """What every open descriptor is of, a line each."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        if entry.exists() or entry.is_symlink():
            try:
                found.append(f"{entry.name} {entry.readlink()}")
            except FileNotFoundError:  # the one of the listing itself
                continue
    return "\n".join(found).encode()


def modules(_desk: WorkContext) -> bytes:
    """The modules that are loaded, a line each."""
    import sys

    return "\n".join(sys.modules).encode()
