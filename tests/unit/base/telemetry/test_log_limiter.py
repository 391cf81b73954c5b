"""What others cause as often as they like is said seldom, and all of it is counted."""

from __future__ import annotations

from systemzero_base.telemetry.log_limiter import SECONDS, LogLimiter


def test_it_is_said_at_once_and_then_with_how_often_it_was_since() -> None:
    now = 0.0
    seldom = LogLimiter(lambda: now)
    assert [seldom.now() for _ in range(1_000)] == [1] + [0] * 999
    now = SECONDS
    assert [seldom.now() for _ in range(3)] == [1_000, 0, 0]
    now = 10 * SECONDS
    assert seldom.now() == 3
