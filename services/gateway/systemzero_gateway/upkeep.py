"""What the gateway does every now and then, apart from any call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from systemzero_chassis.background import Background
from systemzero_core.errors import DomainError

Chore = Callable[[], Awaitable[None]]


class Upkeep:
    """Does its chores again and again, and once more at the end.

    A chore that fails is told in the log and tried again the next time: none of them is worth
    refusing a call for.
    """

    def __init__(
        self,
        chores: Sequence[Chore],
        seconds: float,
        logger: structlog.typing.FilteringBoundLogger,
    ) -> None:
        """`seconds` lie between two rounds."""
        self._chores = chores
        self._seconds = seconds
        self._logger = logger
        self._background = Background()

    def start(self) -> None:
        """Begin; the first round comes after the first pause."""
        self._background.start(self._run())

    async def stop(self) -> None:
        """End with a last round, if it was started."""
        if self._background.started:
            await self._background.stop()
            await self._round()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await self._round()

    async def _round(self) -> None:
        for chore in self._chores:
            try:
                await chore()
            except DomainError as error:
                self._logger.warning("upkeep failed", reason=error.reason, error=error.message)
