"""Searches for the template of a tree that was read in a lane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final

from systemzero_core.match import MatchAnswer, Tokens
from systemzero_diff.work.taking import decode_things

_AT_ONCE_BYTES: Final = 100_000
"""What trees are matched by is read and looked for on the event loop, if it is no more."""


class Searcher:
    """Looks for trees by their things, those of very large ones off the event loop.

    What there can be is bounded (`work.taking.MOST_THINGS`), and no more is looked for at a time
    than there are lanes: so one thread is enough, and fair.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def search(self, things: bytes, find: Callable[[Tokens], MatchAnswer]) -> MatchAnswer:
        """What `find` makes of the tokens of encoded `things`."""
        if len(things) <= _AT_ONCE_BYTES:
            return find(decode_things(things).tokens())
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._executor, lambda: find(decode_things(things).tokens())
        )
