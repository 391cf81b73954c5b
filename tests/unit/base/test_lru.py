"""What is remembered has a bound, in entries and in bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from systemzero_base.lru import Lru


def size(_key: int, value: bytes) -> int:
    return len(value)


def test_large_entries_push_out_as_many_as_they_take_the_room_of() -> None:
    lru: Lru[int, bytes] = Lru(10, size, 100)
    for key in range(4):
        lru.put(key, b"x" * 25)
    lru.get(0)
    lru.put(4, b"x" * 50)
    assert lru.keys() == [3, 0, 4]
    lru.put(5, b"x" * 101)
    assert lru.get(5) is None
    assert lru.keys() == [3, 0, 4]


def test_a_smaller_limit_pushes_out_what_was_not_used_for_longest() -> None:
    lru: Lru[int, bytes] = Lru(10, size, 100)
    for key in range(4):
        lru.put(key, b"x" * 25)
    lru.get(0)
    lru.limit(60)
    assert lru.keys() == [3, 0]
    lru.put(4, b"x" * 61)
    assert lru.keys() == [3, 0]


@given(st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=60))))
def test_entries_and_bytes_stay_within_their_bounds(puts: list[tuple[int, bytes]]) -> None:
    lru: Lru[int, bytes] = Lru(5, size, 100)
    for key, value in puts:
        lru.put(key, value)
        known = lru.keys()
        found = [lru.get(each) or b"" for each in known]
        assert lru.size == sum(map(len, found)) <= 100
        assert len(lru) <= 5
