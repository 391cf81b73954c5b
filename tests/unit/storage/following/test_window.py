"""The window of a follower: what it has, and what it lets go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from systemzero_storage.following.window import (
    WINDOW_BYTES,
    WINDOW_ROWS,
    WINDOW_SECONDS,
    Window,
)
from tests.support.followed import Row

PUSHES = st.lists(
    st.tuples(
        st.floats(0, 2 * WINDOW_SECONDS),
        st.lists(st.tuples(st.integers(1, 3), st.integers(0, WINDOW_BYTES)), max_size=40),
    ),
    max_size=12,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(PUSHES)
def test_it_has_every_row_after_its_floor_within_its_bounds(
    pushes: list[tuple[float, list[tuple[int, int]]]],
) -> None:
    clock, sizes, position = Clock(), dict[int, int](), 0
    window: Window[Row] = Window(0, lambda row: sizes[row.position], clock)
    pushed: list[tuple[float, Row]] = []
    for later, steps in pushes:
        clock.now += later
        rows = []
        for step, size in steps:
            position += step
            sizes[position] = size
            rows.append(Row(position, ""))
        window.push(rows)
        pushed += [(clock.now, row) for row in rows]
        floor = at = window.floor()
        found = []
        while (row := window.after(at)) is not None:
            found.append(row)
            at = row.position
        assert found == [row for _, row in pushed if row.position > floor]
        assert len(found) <= WINDOW_ROWS
        assert sum(sizes[row.position] for row in found) <= WINDOW_BYTES
        young = [row for time, row in pushed if time > clock.now - WINDOW_SECONDS]
        assert found == young[len(young) - len(found) :]


def test_it_drops_nothing_that_it_has_room_for() -> None:
    window: Window[Row] = Window(0, lambda _: 0, Clock())
    window.push([Row(n, "") for n in range(1, WINDOW_ROWS + 1)])
    assert window.floor() == 0
    window.push([Row(WINDOW_ROWS + 1, "")])
    assert window.floor() == 1
