"""How far figures of repeated runs spread, and whether two sets of them differ beyond that.

The median is robust against the odd run that others on the machine disturbed; its own error is
estimated from the median absolute deviation: 1.4826 MAD estimates the standard deviation of normal
noise, 1.2533 sigma / sqrt(n) is the standard error of a median of n.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

_SIGMA_OF_MAD = 1.4826
_ERROR_OF_MEDIAN = 1.2533


class Spread(NamedTuple):
    """A median and its standard error, in the unit of what was measured."""

    median: float
    error: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """That of repeated measurements.

        Raises:
            ValueError: there is none.
        """
        if not values:
            raise ValueError("no measurement")
        median = statistics.median(values)
        deviation = statistics.median(abs(value - median) for value in values)
        error = _ERROR_OF_MEDIAN * _SIGMA_OF_MAD * deviation / math.sqrt(len(values))
        return cls(median, error)


def beyond_noise(before: Spread, after: Spread, floor: float, errors: float) -> bool:
    """Whether `after` exceeds `before` by more than noise.

    That is by more than `errors` standard errors of their difference, and by more than the share
    `floor` of `before`, which is what two machines may differ by.
    """
    excess = after.median - before.median
    return excess > max(errors * math.hypot(before.error, after.error), floor * before.median)
