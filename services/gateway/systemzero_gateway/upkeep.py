"""The gateway's periodic background work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog

from systemzero_base.work.background import Loops
from systemzero_base.work.rounds import apart, raise_all
from systemzero_core.errors import DomainError

Chore = Callable[[], Awaitable[None]]


class Upkeep:
    """Does its chores again and again, and once more at the end.

    A chore that fails is told in the log and tried again the next time; the others are done all the
    same. None of them is worth refusing a call for.
    """

    def __init__(
        self,
        chores: Sequence[Chore],
        seconds: float,
        logger: structlog.typing.FilteringBoundLogger,
        loops: Loops,
    ) -> None:
        """`seconds` lie between two rounds."""
        self._chores = chores
        self._logger = logger
        self._background = loops.new("upkeep", self._round, pause=seconds, vital=False)

    def start(self) -> None:
        """Begin."""
        self._background.start()

    async def stop(self) -> None:
        """End with a last round, if it was started."""
        if self._background.started:
            await self._background.stop()
            await self._background.once_more()

    async def _round(self) -> None:
        errors: list[Exception] = []
        for chore in self._chores:
            with apart(errors):
                await self._do(chore)
        raise_all(errors)

    async def _do(self, chore: Chore) -> None:
        try:
            await chore()
        except DomainError as error:
            self._logger.warning("upkeep failed", reason=error.reason, error=error.message)
