"""Several processes of one service behind one port, and the one that watches over them.

Each worker is started afresh (spawn: gRPC does not survive a fork) and has an event loop of its
own; the kernel spreads connections over them (SO_REUSEPORT). The supervisor serves no calls: it
holds the port's number, starts again what died, passes signals on, and has the metrics of all.

Invariants:
1. The second worker starts when the first one serves: what a first start founds is founded once.
2. A worker that dies while starting for the first time ends them all; later it is started again,
   and not more often than its pause allows.
3. No worker outlives the supervisor: one that was killed is noticed by its closed pipe.
4. What workers share in files is in one folder, theirs alone (0700), which ends with them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from prometheus_client import CollectorRegistry, multiprocess

from systemzero_base.telemetry.exemplars import METRICS_FOLDER
from systemzero_base.work.background import Loops
from systemzero_runtime.operations.ops import OpsPages, OpsSettings
from systemzero_runtime.running import supervised

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
"""Seconds before a worker is started again: doubled whenever it did not live `STEADY_SECONDS`."""
STEADY_SECONDS = 10.0
MARGIN_SECONDS = 5.0
"""What a worker has for its own end, beyond the grace of its calls."""
_BEAT_SECONDS = 0.25
_DEAD_SECONDS = 5.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class WorkerSlot(NamedTuple):
    """A process's place among those that serve.

    Attributes:
        ops: where its own operators ask.
        shared: folder of the files that the workers share; None for a process that is alone.
    """

    ops: OpsSettings
    shared: Path | None = None


Work = Callable[[int, Path, Connection], None]
"""What a worker does, given its number, the folder of what workers share, and where to send, once,
the lines that say it serves."""


class _Worker:
    def __init__(self, number: int) -> None:
        self.number = number
        self.process: BaseProcess | None = None
        self.connection: Connection | None = None
        self.lines: list[str] | None = None
        self.started = self.start_at = 0.0
        self.pause = FIRST_PAUSE

    def start(self, work: Work, shared: Path) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=work, args=(self.number, shared, theirs))
        self.process.start()
        theirs.close()
        self.connection, self.lines = ours, None
        self.started = time.monotonic()

    def listen(self) -> None:
        """Take the lines that say that it serves, or note that none will come."""
        assert self.connection is not None  # noqa: S101 - it was started
        with suppress(EOFError, OSError):
            self.lines = self.connection.recv()
        self.connection.close()
        self.connection = None

    def schedule(self) -> None:
        steady = time.monotonic() - self.started >= STEADY_SECONDS
        self.pause = FIRST_PAUSE if steady else min(2 * self.pause, LONGEST_PAUSE)
        self.start_at = time.monotonic() + self.pause
        self.process, self.lines = None, None

    def send(self, number: int) -> None:
        if self.process is not None and self.process.pid is not None:
            os.kill(self.process.pid, number)


class Supervisor:
    """Runs `count` workers until a signal."""

    def __init__(
        self,
        count: int,
        work: Work,
        grace: float,
        logger: structlog.typing.FilteringBoundLogger,
        announce: Callable[..., None],
    ) -> None:
        """`grace` is what a worker takes to stop, in seconds."""
        self._workers = [_Worker(number) for number in range(count)]
        self._work = work
        self._grace = grace
        self._logger = logger
        self._announce = announce
        self._beat = time.monotonic()
        self._stopping = False
        self._restarts = 0
        self._shared = Path()

    def run(self, ops: str) -> int:
        """Start the workers, watch over them; `ops` is the address of the metrics of all.

        Returns the exit status: 0 after a signal that all workers followed.

        Raises:
            ConfigError: the address can't be bound.
        """
        with _shared_folder() as shared, _signals() as signals:
            self._shared = shared
            registry = supervised.registry_of(
                supervised.Workers(self._pids, lambda: self._restarts)
            )
            failing = partial(self._failing, registry)
            loops = Loops(supervised.SUPERVISOR, self._logger)
            pages = OpsPages(ops, registry, self._is_alive, failing, loops) if ops else None
            try:
                if self._start(signals):
                    where = [f"metrics on {pages.address}"] if pages else []
                    self._announce(*(self._workers[0].lines or ()), *where)
                    self._watch(signals)
                return self._stop()
            finally:
                if pages is not None:
                    pages.close()

    def _is_alive(self) -> bool:
        return time.monotonic() - self._beat < _DEAD_SECONDS

    def _failing(self, registry: CollectorRegistry) -> Mapping[str, str]:
        """Why calls are not taken, by all that the workers told; one that takes them is enough."""
        if self._stopping:
            return {"running": "the process is being stopped"}
        if not any(worker.lines for worker in self._workers):
            return {"running": "starting"}
        return supervised.failing_in_all(registry)

    def _pids(self) -> dict[str, int]:
        found = {supervised.SUPERVISOR: os.getpid()}
        for worker in self._workers:
            process = worker.process
            if process is not None and process.pid is not None:
                found[str(worker.number)] = process.pid
        return found

    def _start(self, signals: socket.socket) -> bool:
        """Whether all workers serve; the first one alone at first."""
        for some in (self._workers[:1], self._workers[1:]):
            for worker in some:
                worker.start(self._work, self._shared)
            for worker in some:
                while worker.connection is not None:
                    if self._hears(signals, [worker.connection], patient=True):
                        return False
                    worker.listen()
                if worker.lines is None and worker.process is not None:
                    worker.process.join(MARGIN_SECONDS)  # its own status is the one that counts
                    return False
        return True

    def _watch(self, signals: socket.socket) -> None:
        while True:
            sentinels = [w.process.sentinel for w in self._workers if w.process is not None]
            talking = [w.connection for w in self._workers if w.connection is not None]
            if self._hears(signals, [*sentinels, *talking], patient=False):
                return
            for worker in self._workers:
                self._tend(worker)

    def _tend(self, worker: _Worker) -> None:
        if worker.connection is not None and worker.connection.poll():
            worker.listen()
        if worker.process is not None and not worker.process.is_alive():
            self._logger.error(
                "worker ended",
                worker=worker.number,
                pid=worker.process.pid,
                status=worker.process.exitcode,
            )
            _forget(worker.process)
            self._restarts += 1
            worker.schedule()
        if worker.process is None and time.monotonic() >= worker.start_at:
            worker.start(self._work, self._shared)

    def _hears(self, signals: socket.socket, others: list[Any], *, patient: bool) -> bool:
        """Wait a moment for one of `others`, or as long as it takes; pass signals on.

        Whether one of them was to stop.
        """
        while True:
            self._beat = time.monotonic()
            heard = wait([signals, *others], _BEAT_SECONDS)
            if signals in heard:
                numbers = signals.recv(64)
                if any(number != signal.SIGHUP for number in numbers):
                    return True
                for worker in self._workers:
                    worker.send(signal.SIGHUP)
            if not patient or any(other in heard for other in others):
                return False

    def _stop(self) -> int:
        """Have all workers drain; the worst of their exit statuses."""
        self._stopping = True
        processes = [worker.process for worker in self._workers if worker.process is not None]
        for process in processes:
            process.terminate()
        give_up = time.monotonic() + self._grace + MARGIN_SECONDS
        for process in processes:
            process.join(max(0.0, give_up - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        return max((_failure(process) for process in processes), default=0)


def _failure(process: BaseProcess) -> int:
    """The exit status; one that was just starting ends by the signal itself: no failure."""
    status = process.exitcode or 0
    return 0 if status == -signal.SIGTERM else abs(status)


def _forget(process: BaseProcess) -> None:
    if process.pid is not None:  # its gauges are no longer; its counters are
        multiprocess.mark_process_dead(process.pid)  # type: ignore[no-untyped-call]


@contextmanager
def _shared_folder() -> Iterator[Path]:
    """The folder of what workers share.

    One below it is where prometheus_client has each worker keep its metrics, as it is told: by
    environment.
    """
    with tempfile.TemporaryDirectory(prefix="systemzero-workers-") as folder:
        metrics = Path(folder, "metrics")
        metrics.mkdir()
        os.environ[METRICS_FOLDER] = str(metrics)
        try:
            yield Path(folder)
        finally:
            del os.environ[METRICS_FOLDER]


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket on which the numbers of signals arrive, a byte each."""
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        theirs.setblocking(False)
        before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda _number, _frame: None)
        try:
            yield ours
        finally:
            signal.set_wakeup_fd(before)
