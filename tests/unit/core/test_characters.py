"""Characters as Unicode 14.0 knows them, on whatever interpreter."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.characters import apart, escaped, known, printable
from systemzero_core.normalize.text import normal_text
from systemzero_core.template.alphabet import spelt

NEW_DIGIT, NEW_LETTER, NEW_MARK, NEW_FACE = "\U00011f53", "\U00011f02", "\U00010efd", "\U0001fae8"
"""Of Unicode 15.0."""
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def is_new(character: str) -> bool:
    return known(character) != character or character == "\uffff"


@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="needs Python 3.11")
def test_new_is_what_unicode_14_does_not_assign() -> None:
    points = [chr(i) for i in range(0x110000)]
    wrong = [c for c in points if is_new(c) != (unicodedata.category(c) == "Cn")]
    assert wrong == []


@pytest.mark.parametrize("character", [NEW_DIGIT, NEW_LETTER, NEW_MARK, NEW_FACE, "\u0378"])
def test_a_new_character_is_no_letter_digit_or_mark(character: str) -> None:
    stand_in = known(character)
    assert len(stand_in) == 1
    assert not stand_in.isalnum()
    assert not stand_in.isspace()
    assert unicodedata.combining(stand_in) == 0


@pytest.mark.parametrize("text", ["", "abc", "Grüß Gott", "请选择", "😀", "\ud800", "e\u0301"])
def test_what_is_long_known_stays(text: str) -> None:
    assert known(text) is text
    assert apart(text, str.upper) == text.upper()
    assert escaped(text) is text or escaped(text) == text


@given(TEXTS)
def test_the_known_part_of_a_text_keeps_its_places(text: str) -> None:
    assert len(known(text)) == len(text)
    assert all(a in (b, "\uffff") for a, b in zip(known(text), text, strict=True))
    assert apart(text, lambda run: run) == text
    assert len(spelt(text)) == len(text)
    assert spelt(text).isascii()


@given(TEXTS)
def test_no_mapping_ever_sees_a_new_character(text: str) -> None:
    seen: list[str] = []
    apart(text, lambda run: seen.append(run) or run)  # type: ignore[func-returns-value]
    assert not any(map(is_new, "".join(seen)))


def test_a_new_mark_is_not_put_into_order() -> None:
    text = f"e\u0301{NEW_MARK}\u0301"
    assert normal_text(text) == f"\u00e9{NEW_MARK}\u0301"


def test_new_characters_are_printed_and_quoted_alike_everywhere() -> None:
    assert printable(f"a{NEW_FACE}\x1b[m\u200eb") == f"a{NEW_FACE} [m b"
    assert escaped(f"'{NEW_FACE} 😀'") == "'\\U0001fae8 😀'"


def test_the_blanks_are_those_that_the_normal_form_names() -> None:
    named = [*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)]
    named += [0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
    assert [i for i in range(0x110000) if chr(i).isspace()] == named


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("Total 5 €", b"total 5 \x05"),
        ("٣ Min", b"3 min"),
        ("3 µs, 3 μs", b"3 Ms, 3 Ms"),
        ("12 zł", b"12 zW"),
        ("é\u2003五²", b"L\x1cLL"),
        (f"5{NEW_DIGIT}{NEW_LETTER}", b"5\0\0"),
        ("\x05\x7f\t", b"\0\0\t"),
    ],
)
def test_the_alphabet_of_the_shapes(text: str, spelling: bytes) -> None:
    assert spelt(text) == spelling
