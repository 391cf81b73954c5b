"""What stands in place of a capture: the error says what it is, quotes it, and says what to do."""

import json

import pytest

from systemzero_core.errors import InvalidInput, TruncatedInput
from systemzero_core.formats import parse

PAGE = b"<!DOCTYPE html>\n<html><head>\n<title>502 Bad\x1b[31m Gateway</title></head></html>"
REFUSED = {"id": 7, "error": {"code": -32000, "message": "Not attached\x1b[2J to a page"}}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (PAGE, ["HTML", "502 Bad\\x1b[31m Gateway", "accessibility tree"]),
        (b"<html><body>" + b"x" * 100_000, ["HTML", "accessibility tree"]),
        (json.dumps('- button "Pay"').encode(), ["quotes", "- button"]),
        (b'{"nodes":[]}\n{"nodes":[]}\n', ["several", "frames"]),
        (b'[{"nodes":[]},{"nodes":[]}]', ["several", "frames"]),
        (b'[{"id":1,"result":{"nodes":[]}}]', ["several", "frames"]),
        (b'{"format":"systemzero.tree","nodes":[]}{"format":"x"}', ["another", "begins"]),
    ],
)
def test_what_it_is_and_what_to_do(data: bytes, says: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(data)
    assert not isinstance(caught.value, TruncatedInput)
    for words in says:
        assert words in caught.value.message
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 400


def test_a_browsers_error_in_place_of_its_answer() -> None:
    with pytest.raises(InvalidInput, match=r"Not attached\\x1b\[2J to a page") as caught:
        parse(json.dumps(REFUSED).encode(), format="cdp")
    assert "capture again" in caught.value.message


def test_json_that_is_none_quotes_what_stands_there() -> None:
    for data in (b'{"nodes": [{"nodeId": oops}]}', PAGE):
        with pytest.raises(
            InvalidInput, match=r"line 1, column \d+, at '.*capture again"
        ) as caught:
            parse(data, format="cdp")
        assert "\x1b" not in caught.value.message


def test_json_that_is_none_names_line_and_column_in_characters() -> None:
    data = '{"nodes": [\n  {"zzz": "Größe", "x": oops}\n]}'.encode()
    with pytest.raises(InvalidInput, match="line 2, column 25, at 'oops"):
        parse(data, format="cdp")
    for two in (b'{"applications": []}\n{"a": 1}', b'{"format":"systemzero.tree","nodes":[]}\n{}'):
        with pytest.raises(InvalidInput, match="line 2, column 1"):
            parse(two, format="tree" if b"format" in two else "atspi")


SAID = {
    "error: more than one device/emulator": "several devices.* -s",
    "adb: more than one device/emulator": "several devices.* -s",
    "TimeoutError: page.ariaSnapshot: Timeout 30000ms exceeded.": "failed",
    "playwright._impl._errors.TimeoutError: Timeout 30000ms": "failed",
    "curl: (7) Failed to connect to localhost port 4723": "server",
    "[XCUITest] Error: Could not proxy command to the remote server.": "failed",
    "node:internal/modules/cjs/loader:1080": "failed",
    "undefined": "printed nothing",
    "None": "printed nothing",
    "null": "printed nothing",
    '### Modal state\n- ["alert" dialog with message "x"]: can be handled': "dialog",
    '{"content":[{"type":"text","text":"### Page"}]}': r"`content\[0\]\.text`",
    "\x89PNG\r\n\x1a\n\0\0": "picture",
}


@pytest.mark.parametrize(("line", "meaning"), SAID.items(), ids=range(len(SAID)))
def test_what_a_tool_says_in_place_of_a_capture(line: str, meaning: str) -> None:
    data = line.encode("latin-1")
    with pytest.raises(InvalidInput, match=meaning) as caught:
        parse(data)
    assert "no known format" not in caught.value.message
    assert "reached no device" not in caught.value.message


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (b"<hierarchy/>\n<hierarchy/>", "give each by itself"),
        (b"<hierarchy a='" + b"\xff\xfe\xfd " * 99 + b"'/>", "capture it again as utf-8"),
    ],
)
def test_an_xml_error_says_what_to_do(data: bytes, advice: str) -> None:
    with pytest.raises(InvalidInput, match=advice):
        parse(data)


def test_a_node_that_is_none_is_named() -> None:
    for bad in ({"name": "x"}, 7, {"role": 12}):
        file = {"applications": [{"role": "application", "name": "a", "children": [bad]}]}
        with pytest.raises(InvalidInput, match=r"node 1\.role"):
            parse(json.dumps(file).encode())
