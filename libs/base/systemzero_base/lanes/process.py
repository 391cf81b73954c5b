"""One lane, as the service sees it: a process, and the socket to it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess  # nosec B404 - of this interpreter
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from systemzero_base.lanes import wire
from systemzero_base.lanes.wire import Kind
from systemzero_base.lanes.worker import Limits
from systemzero_base.telemetry.exemplars import METRICS_FOLDER

START_SECONDS: Final = 120.0
"""On a machine with much else to do a lane, at its low priority, starts slowly."""
_MOST_BYTES: Final = 1 << 30

Answer = Callable[[bytes], Awaitable[bytes]]
"""Answers a question of the work."""


class Lane:
    """A process that does one piece of work at a time.

    Attributes:
        knows: what it holds of earlier work, by names of whoever gives it work.
    """

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        self._process = process
        self._connection = connection
        self.knows: set[bytes] = set()

    @property
    def is_alive(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    @classmethod
    async def start(cls, limits: Limits) -> Lane:
        """A lane that takes work.

        Raises:
            OSError: there is none to be had: no process, or it ends or is silent at its start.
        """
        made: Future[Lane] = Future()
        asyncio.get_running_loop().run_in_executor(None, cls._spawn_into, made, limits)
        try:
            lane = await asyncio.shield(asyncio.wrap_future(made))
            async with asyncio.timeout(START_SECONDS):
                await lane._receive()  # noqa: SLF001
        except (wire.Ended, TimeoutError):
            status = await made.result().end()
            raise OSError(f"a lane ended at its start, with status {status}") from None
        except BaseException:  # whatever ends the wait, no process is left that nobody knows
            made.add_done_callback(_forgotten)
            raise
        return lane

    @classmethod
    def _spawn_into(cls, made: Future[Lane], limits: Limits) -> None:
        try:
            made.set_result(cls._spawn(limits))
        except BaseException as error:  # noqa: BLE001 - raised where the lane is waited for
            made.set_exception(error)

    @classmethod
    def _spawn(cls, limits: Limits) -> Lane:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - this very interpreter
                [
                    *(sys.executable, "-P", "-m", "systemzero_base.lanes.worker"),
                    *(str(theirs.fileno()), msgspec.json.encode(limits).decode()),
                ],
                stdin=subprocess.PIPE,  # never written to: it closes with this process
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,
                env=_environment(),
            )
        ours.setblocking(False)
        return cls(process, ours)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def work(
        self, granted: int, request: bytes, answer: Answer, *, makes_way: bool = False
    ) -> tuple[Kind, bytes]:
        """Have `request` done in `granted` bytes of memory; the frame in which it ended.

        Questions go to `answer`. What `makes_way` does so for other lanes from the start.

        Raises:
            wire.Ended: the process is gone.
            Exception: what `answer` raised.
        """
        await self._send(Kind.WORK, *wire.grant(granted, request, makes_way=makes_way))
        failed: Exception | None = None
        while (frame := await self._receive())[0] is Kind.QUESTION:
            try:
                await self._send(Kind.ANSWER, await answer(frame[1]))
            except wire.Ended:
                raise
            except Exception as error:  # noqa: BLE001 - raised when the lane is free again
                failed = error
                await self._send(Kind.NO_ANSWER)
        if failed is not None:
            raise failed
        return frame

    async def _receive(self) -> tuple[Kind, bytes]:
        return await wire.receive_soon(self._connection, _MOST_BYTES)

    async def _send(self, kind: Kind, *parts: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self._connection, wire.head(kind, *parts))
            for part in filter(None, parts):  # they may be large, and are not copied
                await loop.sock_sendall(self._connection, part)
        except OSError:
            raise wire.Ended from None

    def kill(self) -> None:
        """End it now, whatever it does."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end(self) -> int:
        """Have it gone, and nothing left of it; its exit status, negative for a signal."""
        return await asyncio.to_thread(self._reap)

    def _reap(self) -> int:
        self._process.kill()  # one that is gone keeps the status that it has
        self._connection.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return self._process.wait()


def _forgotten(made: Future[Lane]) -> None:
    if made.exception() is None:
        made.result()._reap()  # noqa: SLF001


def _environment() -> dict[str, str]:
    """This process's, in which a lane finds the same modules, and no place for metrics."""
    path = os.pathsep.join(each or str(Path.cwd()) for each in sys.path)
    environment = {**os.environ, "PYTHONPATH": path}
    environment.pop(METRICS_FOLDER, None)
    environment["MALLOC_ARENA_MAX"] = "1"  # whichever thread gives memory back, it is given back
    return environment
