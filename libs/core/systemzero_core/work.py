"""Counted work: a bound on what one call may cost, the same on every machine.

Steps are counted, not seconds, so that where a bound is reached depends on the input alone.
"""

from __future__ import annotations

from systemzero_core.errors import TooLarge


class TooMuchWork(TooLarge):
    """What was asked for takes more steps than one call may."""


class Work:
    """The steps that are left.

    Attributes:
        left: how many.
    """

    __slots__ = ("_limit", "_what", "left")

    def __init__(self, limit: int, what: str) -> None:
        """At most `limit` steps; `what` says in the error what takes them."""
        self._limit = limit
        self._what = what
        self.left = limit

    def spend(self, steps: int) -> None:
        """Take `steps` steps.

        Raises:
            TooMuchWork: there are not so many left.
        """
        self.left -= steps
        if self.left < 0:
            raise TooMuchWork(f"{self._what} takes more than {self._limit:,} steps")

    @property
    def spent(self) -> int:
        """How many were taken."""
        return self._limit - self.left
