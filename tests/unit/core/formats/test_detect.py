import pytest

from systemzero_core.errors import TruncatedInput, UnknownFormat
from systemzero_core.formats import Format, detect, parse


@pytest.mark.parametrize(
    ("data", "format_"),
    [
        (b'{"nodes":[{"nodeId":"1"}]}', Format.CDP),
        (b' \n{ "nodes": [] }', Format.CDP),
        (b'{"id":1,"result":{"nodes":[]}}', Format.CDP),
        (b'[{"nodeId":"1"}]', Format.CDP),
        (b'{"nodes":[{"role":"a"}],"format":"systemzero.tree"}', Format.TREE),
        (b'{"format":"systemzero.tree","nodes":[]}', Format.TREE),
        (b'\xef\xbb\xbf{"root": {"role": "a"}}', Format.TREE),
        (b'{"url": "x", "root": {"role": "a"}}', Format.TREE),
        (b'{"applications": []}', Format.ATSPI),
        (b"<?xml version='1.0'?><!-- a --><hierarchy/>", Format.UIAUTOMATOR),
        (b"<AppiumAUT/>", Format.APPIUM_IOS),
        (b"<XCUIElementTypeApplication/>", Format.APPIUM_IOS),
        ('<Pane RuntimeId="1"/>'.encode("utf-16-le"), Format.APPIUM_WINDOWS),
        (b'- link "x"', Format.ARIA),
        (b"# snapshot\n- 'link \"a: b\"'", Format.ARIA),
    ],
)
def test_each_format_is_recognised(data: bytes, format_: Format) -> None:
    assert detect(data) is format_


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"{}",
        b"[]",
        b'{"a": nope}',
        b"- 1",
    ],
)
def test_what_is_none_of_them_is_said_so(data: bytes) -> None:
    with pytest.raises(UnknownFormat, match="known are cdp"):
        detect(data)


def test_a_template_is_told_from_a_capture() -> None:
    with pytest.raises(UnknownFormat, match="template"):
        detect(b"version: 1\nscreen_id: login\nrequired_nodes: []\n")


@pytest.mark.parametrize("data", [b"", b"  \n", b"\xef\xbb\xbf", b'{"some": {"thing'])
def test_nothing_or_less_than_a_beginning_is_cut_off(data: bytes) -> None:
    with pytest.raises(TruncatedInput):
        detect(data)


def test_a_named_format_is_not_guessed() -> None:
    with pytest.raises(UnknownFormat, match="not of the format tree"):
        parse(b'{"nodes":[{"nodeId":"1"}]}', format=Format.TREE)
