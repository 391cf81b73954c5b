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
        with pytest.raises(InvalidInput, match=r"\(byte \d+\), at '") as caught:
            parse(data, format="cdp")
        assert "\x1b" not in caught.value.message


def test_a_node_that_is_none_is_named() -> None:
    for bad in ({"name": "x"}, 7, {"role": 12}):
        file = {"applications": [{"role": "application", "name": "a", "children": [bad]}]}
        with pytest.raises(InvalidInput, match=r"node 1\.role"):
            parse(json.dumps(file).encode())
