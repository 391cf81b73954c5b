"""Identifiers sort by time; page tokens cannot be forged or moved."""

from __future__ import annotations

import base64
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_base.ids import PageTokens, new_id
from systemzero_core.errors import InvalidInput

TOKENS = PageTokens(b"k" * 32)


def test_an_id_has_its_prefix_and_a_uuid_of_version_7() -> None:
    prefix, _, digits = new_id("cap").partition("_")
    assert prefix == "cap"
    assert len(digits) == 32
    assert digits[12] == "7"
    assert digits[16] in "89ab"


def test_an_id_begins_with_its_time() -> None:
    before = time.time_ns() // 1_000_000
    made = int(new_id("x")[2:14], 16)
    # the ids made before it may be ahead of a clock that was set back
    assert made >= before


def test_ids_increase() -> None:
    made = [new_id("x") for _ in range(20_000)]
    assert made == sorted(set(made))


def test_ids_of_many_threads_are_unique() -> None:
    made = list[str]()
    threads = [
        threading.Thread(target=lambda: made.extend(new_id("x") for _ in range(500)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4000


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8")), min_size=1)
)
def test_a_token_gives_back_its_position(position: list[int | str]) -> None:
    assert TOKENS.open("scope", TOKENS.seal("scope", *position)) == tuple(position)


def test_no_token_is_the_start() -> None:
    assert TOKENS.open("scope", "") == ()


def test_no_byte_of_a_token_is_free() -> None:
    token = TOKENS.seal("scope", "cap_1", 7)
    for at in range(len(token)):
        for other in "A_-z":
            if token[at] != other:
                _refused("scope", token[:at] + other + token[at + 1 :])


def _refused(scope: str, token: str) -> None:
    with pytest.raises(InvalidInput, match="page_token"):
        TOKENS.open(scope, token)


@pytest.mark.parametrize("token", ["x", "é", "====", "AAAA", " ", "A" * 10_000])
def test_what_is_no_token_is_refused(token: str) -> None:
    _refused("scope", token)


def test_a_token_holds_for_its_scope_and_key_alone() -> None:
    token = TOKENS.seal("tenant/a", 1)
    _refused("tenant/b", token)
    with pytest.raises(InvalidInput):
        PageTokens(b"l" * 32).open("tenant/a", token)


def test_scope_and_position_cannot_run_into_each_other() -> None:
    sealed = base64.urlsafe_b64decode(TOKENS.seal("ab", 1) + "==")
    moved = base64.urlsafe_b64encode(sealed[:16] + b"b" + sealed[16:]).decode().rstrip("=")
    _refused("a", moved)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        PageTokens(b"short")
