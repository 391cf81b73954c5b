"""Texts in JSON that JSON, or Unicode, forbids: they do not cost the screen."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.errors import InvalidInput, TruncatedInput
from systemzero_core.formats import Format, detect, parse
from tests.support.native_captures import ax, cdp
from tests.unit.core.formats.test_json import OLDER, atspi, widget

SLOT = "SLOT"


def deep() -> bytes:
    """A tree that is deeper than the interpreter's stack, written by hand for that reason."""
    levels = 3000
    node = '{"role":"panel","name":"","children":['
    return (
        '{"root":' + node * levels + '{"role":"label","name":"SLOT"}' + "]}" * levels + "}"
    ).encode()


DOCUMENTS = {
    "cdp": cdp(ax("1", "RootWebArea", "a", ["2"]), ax("2", "link", SLOT, parent="1")),
    "atspi": atspi(widget("frame", "a", widget("label", SLOT))),
    "older": json.dumps(OLDER | {"root": {"role": "window", "name": SLOT}}).encode(),
    "own": b'{"format":"systemzero.tree","nodes":[{"role":"link","name":"SLOT"}]}',
    "deep": deep(),
}

every_document = pytest.mark.parametrize("data", DOCUMENTS.values(), ids=DOCUMENTS.keys())


def names(data: bytes) -> set[str]:
    return {node.name for node in parse(data).tree.nodes}


@every_document
@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"Great pizza \ud83d\u2026", "Great pizza \ufffd…"),
        (rb"\ud83d", "\ufffd"),
        (rb"\ude00 x", "\ufffd x"),
        (rb"\ud83d\ud83d\ude00", "\ufffd😀"),
        (rb"\ud83c\uddfa\ud83c\uddf8 +1", "🇺🇸 +1"),
        (rb"C:\\ud83d", r"C:\ud83d"),
        (b"Stra\xdfe", "Stra\ufffde"),
        (b"\x80", "\ufffd"),
        (b"\xed\xa0\xbd\xed\xb8\x80", "😀"),
        (b"\xed\xa0\xbd.", "\ufffd."),
        (b"a\x00b", "a\x00b"),
        (b"a\tb\nc", "a\tb\nc"),
        ("1️⃣ 🇩🇪".encode(), "1️⃣ 🇩🇪"),
    ],
)
def test_what_no_text_may_hold_is_marked_and_the_rest_is_read(
    data: bytes, written: bytes, read: str
) -> None:
    assert read in names(data.replace(SLOT.encode(), written))


@every_document
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_json_in_another_encoding_is_read(data: bytes, encoding: str) -> None:
    other = data.decode().replace(SLOT, "Größe 😀").encode(encoding)
    assert detect(other) in tuple(Format)
    assert "Größe 😀" in names(other)


@every_document
def test_half_a_pair_that_is_cut_off_is_truncated_and_one_in_a_text_is_not(data: bytes) -> None:
    whole = data.replace(SLOT.encode(), rb"\ud83d")
    with pytest.raises(TruncatedInput):
        parse(whole[: whole.index(rb"\ud83d") + 6])
    with pytest.raises(InvalidInput) as caught:
        parse(whole + b"]")
    assert not isinstance(caught.value, TruncatedInput)


def test_a_flag_in_two_inline_boxes_does_not_cost_the_screen() -> None:
    data = cdp(
        ax("1", "RootWebArea", "Phone", ["2"]),
        ax("2", "button", "🇺🇸 +1", ["3"], parent="1"),
        ax("3", "InlineTextBox", "\ud83c", parent="2"),
    )
    assert [node.name for node in parse(data).tree.nodes] == ["Phone", "🇺🇸 +1"]


@given(st.text(max_size=20))
def test_every_text_of_python_comes_back_as_unicode(text: str) -> None:
    data = cdp(ax("1", "RootWebArea", text, ["2"]), ax("2", "link", "x", parent="1"))
    read = parse(data).tree.nodes[0].name
    assert read == json.loads(json.dumps(text)).encode("utf-16-le", "surrogatepass").decode(
        "utf-16-le", "replace"
    )


def test_mending_takes_no_longer_than_reading() -> None:
    for hostile in (rb"\ud83d" * 300_000, rb"\"" * 700_000, b"\x00" * 700_000, b"\x80" * 700_000):
        names(DOCUMENTS["own"].replace(SLOT.encode(), hostile))
