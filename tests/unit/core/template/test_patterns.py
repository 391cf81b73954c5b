from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.errors import InvalidInput
from systemzero_core.template import ANYTHING, compile_pattern, covering, escape
from systemzero_core.template.shapes import Shape, mask, only_volatile_differs, tokens
from tests.support.trees import TEXTS


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (" · Queries took 7.395ms", " · Queries took {duration}"),
        ("Generated 2026-11-22T08:50:44.025314", "Generated {date}T{time}"),
        ("Page 1 of 20", "Page {number} of {number}"),
        ("1,234,567 views, 12%", "{number} views, {number}%"),
        ("Sunday, 22 November 2026, 3:04 PM", "{date}, {time}"),
        ("5 minutes ago", "{duration}"),
        ("5 months ago", "{duration}"),
        ("2h30m, 3 mos", "{duration}"),
        ("3 189.00 each", "{number} each"),
        ("November 2026", "November {number}"),
        ("\u0663 items", "{number} items"),
        ("5 \U0001e030", "{number} \U0001e030"),
        ("just now", "{duration}"),
        ("id 550e8400-e29b-41d4-a716-446655440000", "id {uuid}"),
        (":31", ":{number}"),
    ],
)
def test_live_values_are_masked_by_their_shape(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Shop API 1.4.0",
        "v1.4.0",
        "OAS3",
        "192.168.0.1",
        "H1",
        "Total $9.99",
        "a@b.com",
        "May",
        "1.2k",
        "5m\u00fc",
        "\U00011f53 items",
    ],
)
def test_names_prices_and_addresses_are_not_live(text: str) -> None:
    assert mask(text) == text


def test_a_full_stop_ends_no_address() -> None:
    assert (Shape.EMAIL, "me@example.com") in tokens("Write to me@example.com.")


@given(TEXTS)
def test_tokens_are_the_text(text: str) -> None:
    assert "".join(piece for _, piece in tokens(text)) == text


@given(TEXTS)
def test_an_escaped_text_stands_for_itself_alone(text: str) -> None:
    pattern = compile_pattern(escape(text))
    assert pattern.literal == text
    assert pattern.matches(text)
    assert not pattern.matches(text + "x")


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_covering_pattern_covers(texts: list[str]) -> None:
    matches = compile_pattern(covering(texts)).matches
    assert all(matches(text) for text in texts)


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        (["took 7 ms", "took 12.5 ms"], "took {duration}"),
        (["3", "7.5"], "{number}"),
        (["9,99 €", "12,00 €"], "{money}"),
        (["5 min ago", "just now"], "{duration}"),
        (["Hello Bob", "Hello Al"], "Hello {any}"),
        (["at 2026-11-22 10:00", "at 2026-11-22 10:05"], "at {date} {time}"),
        (["a {x} 1", "a {x} 2"], "a {{x}} {count}"),
        (["same", "same"], "same"),
        (["yes", "no"], ANYTHING),
    ],
)
def test_the_covering_pattern_is_the_narrowest(texts: list[str], pattern: str) -> None:
    assert covering(texts) == pattern


def test_a_typed_hole_refuses_another_type() -> None:
    assert compile_pattern("took {duration}").matches("took 3 s")
    assert not compile_pattern("took {duration}").matches("took ages")
    assert not compile_pattern("{count} items").matches("1.5 items")


def test_a_hole_never_gives_back() -> None:
    assert not compile_pattern("{count}{count}").matches("12")
    assert not compile_pattern("{count}5").matches("125")
    assert compile_pattern("{any}{count}x").matches("1 2 3x")
    assert compile_pattern("{any}: {count}").matches("a: b: 3")


def test_literals_keep_their_case_around_holes() -> None:
    assert not compile_pattern("Total {number}").matches("total 3")


@pytest.mark.parametrize("source", ["{", "}", "{foo}", "a {", "{count} {", "{any}" * 33])
def test_what_is_no_pattern_is_refused(source: str) -> None:
    with pytest.raises(InvalidInput):
        compile_pattern(source)


def test_only_live_values_differ() -> None:
    assert only_volatile_differs("took 3 ms", "took 9.5 ms")
    assert not only_volatile_differs("$3", "$9")
    assert not only_volatile_differs("3 ms", "3 ms slow")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{any}{number}x", "1" * 20_000),
        ("{any}a{any}a{any}a{any}b", "a" * 20_000),
        ("{any}{url}!", "http://" * 2_800),
        ("{any}{money}{any}{email}", "$1" * 5_000 + "a.b@" * 2_000),
    ],
)
def test_no_text_makes_matching_slow(source: str, text: str) -> None:
    started = time.process_time()
    compile_pattern(source).matches(text)
    mask(text * 10)
    # Backtracking over such a text would take minutes.
    assert time.process_time() - started < 5
