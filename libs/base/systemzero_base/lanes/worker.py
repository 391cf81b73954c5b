"""What a lane runs: one piece of work after the other, for the service that started it.

Invariants:
1. It ends with the service: the pipe on its standard input closes, and the system ends it (SIGIO),
   whatever it is doing. Signals to a whole group (a terminal's, a unit's) are the service's to
   follow.
2. Work past its processor time is ended by the system (SIGPROF), in C code as well.
3. Work past the memory that it was granted ends in MemoryError, and the lane with it, which says
   so: in its last frame, or by its exit status where memory does not suffice for one.
4. It holds no descriptor of the service's but that pipe and its own socket.
5. Work that takes long, or is one of many of its tenant, makes way for work that does not: of
   both, the latter has the processor. Each piece has a thread of its own, since the system weighs
   threads, and none that was made to weigh less can be made to weigh more again.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import os
import pickle  # nosec B403 - of the service itself
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from systemzero_base.lanes import wire
from systemzero_base.lanes.settings import OWN_BYTES
from systemzero_base.lanes.wire import Kind, LaneError, Spent
from systemzero_core.errors import DomainError

NICENESS: Final = 10
NICENESS_OF_LONG: Final = 19
LONG_SECONDS: Final = 0.25
"""Of processor time: work that has taken so much is long."""
_LOOK_SECONDS: Final = 0.01
_STACK_BYTES: Final = 8_388_608
"""Of the thread that works."""
_KILLED_FIRST: Final = 500
"""Added to what Linux goes by when memory runs out: a lane is started anew, a service is missed."""
_KEPT_BYTES: Final = 3 * OWN_BYTES // 4
"""A lane that still holds so much after its work ends itself, and another one takes its place."""
OUT_OF_MEMORY: Final = 77
"""The exit status of a lane whose memory did not suffice for the request or the result."""
_PAGE: Final = resource.getpagesize()


class _GivenUp(BaseException):
    """The service has no answer to the work's question."""


class WorkContext:
    """What a piece of work has beside its arguments."""

    def __init__(self, connection: socket.socket | None) -> None:
        """Without a `connection`, for work in the service itself, nothing can be asked."""
        self._connection = connection
        self.stages: list[tuple[str, float]] = []

    def ask(self, question: bytes) -> bytes:
        """The service's answer to `question`. The work waits for it; that is no processor time."""
        if self._connection is None:
            raise _GivenUp
        self._connection.sendall(wire.pack(Kind.QUESTION, question))
        kind, answer = wire.receive(self._connection)
        if kind is not Kind.ANSWER:
            raise _GivenUp
        return answer

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A stage is what is done meanwhile; the service is told how long it took."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stages.append((name, time.perf_counter() - started))


Function = Callable[..., bytes]
"""Work: a module's function of a `WorkContext` and of arguments that can be pickled."""


def main() -> None:
    """Serve until the service is gone. Arguments: the socket's descriptor, `Limits` as JSON."""
    os.nice(NICENESS)
    threading.stack_size(_STACK_BYTES)
    limits = msgspec.json.decode(sys.argv[2], type=Limits)
    _bound(limits)
    connection = socket.socket(fileno=int(sys.argv[1]))
    for module in limits.modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    with suppress(wire.Ended, ConnectionError):
        connection.sendall(wire.pack(Kind.READY))
        try:
            while _work(connection, limits):
                pass
        except MemoryError:
            os._exit(OUT_OF_MEMORY)


class Limits(msgspec.Struct, frozen=True):
    """What a lane is held to, and the modules that it imports before it says that it is ready."""

    cpu_seconds: float
    memory_bytes: int
    modules: tuple[str, ...] = ()


def _bound(limits: Limits) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(str(_KILLED_FIRST))
        _grant(limits.memory_bytes, limits)
        # SIGIO's own way is to end the process; elsewhere a lane notices before its next work
        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold what tenants sent


def _grant(granted: int, limits: Limits) -> None:
    """Have so many bytes of private memory, until there is another grant."""
    if sys.platform == "linux":
        most = limits.memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (min(granted, most), most))


def _work(connection: socket.socket, limits: Limits) -> bool:
    """Do the next piece; whether the lane goes on."""
    _kind, request = wire.receive(connection)
    granted, makes_way, packed = wire.split_grant(request)
    desk, started = WorkContext(connection), time.process_time()
    # SIGPROF's own way is to end the process
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_seconds)
    work = partial(_done, desk, packed, granted, limits)
    kind, body = _in_a_thread(work, started, makes_way=makes_way)
    signal.setitimer(signal.ITIMER_PROF, 0)
    del request, packed
    _grant(limits.memory_bytes, limits)  # for the next request, as far as that is large
    last = kind is Kind.MEMORY or not _is_slim()
    spent = Spent(time.process_time() - started, tuple(desk.stages), last)
    connection.sendall(wire.pack_spent(kind, spent, body))
    return not last


def _in_a_thread(
    work: Callable[[], tuple[Kind, bytes]], started: float, *, makes_way: bool
) -> tuple[Kind, bytes]:
    """What `work` comes to; `started` is the processor time at which it did."""
    came: Future[tuple[Kind, bytes]] = Future()

    def run() -> None:
        try:
            if makes_way:
                _make_way(threading.current_thread())
            came.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            came.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive() and (left := started + LONG_SECONDS - time.process_time()) > 0:
        thread.join(max(left, _LOOK_SECONDS))
    _make_way(thread)
    thread.join()
    return came.result()


def _make_way(thread: threading.Thread) -> None:
    if sys.platform == "linux" and thread.is_alive() and thread.native_id is not None:
        with suppress(OSError):  # it has just ended
            os.setpriority(os.PRIO_PROCESS, thread.native_id, NICENESS_OF_LONG)


def _done(
    desk: WorkContext, request: memoryview, granted: int, limits: Limits
) -> tuple[Kind, bytes]:
    _grant(granted + _STACK_BYTES, limits)  # not before: a thread without memory never starts
    try:
        name, arguments = pickle.loads(request)  # noqa: S301 - of the service itself
        return Kind.RESULT, _named(name)(desk, *arguments)
    except MemoryError:
        return Kind.MEMORY, b""
    except DomainError as error:
        return Kind.ERROR, msgspec.msgpack.encode(LaneError.of(error))
    except _GivenUp:
        return Kind.ERROR, msgspec.msgpack.encode(LaneError("", "the service had no answer"))
    except Exception:  # noqa: BLE001 - told, and the lane goes on
        return Kind.ERROR, msgspec.msgpack.encode(LaneError("", traceback.format_exc()))


def _named(name: str) -> Function:
    module, _, function = name.partition(":")
    found: Any = getattr(importlib.import_module(module), function)
    made: Function = found
    return made


def _is_slim() -> bool:
    """Whether the lane holds little, once what the work left is given back."""
    if _private() > _KEPT_BYTES:
        gc.collect()
        _trim()
    return _private() <= _KEPT_BYTES


def _private() -> int:
    """Bytes in memory that are its own, not of files that others map too; 0 where nobody says."""
    with suppress(OSError):
        _size, resident, shared, *_ = Path("/proc/self/statm").read_text().split()
        return (int(resident) - int(shared)) * _PAGE
    return 0


def _trim() -> None:
    from systemzero_base.work.memory import trim

    trim()


if __name__ == "__main__":
    main()
