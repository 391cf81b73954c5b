"""A capture that was cut off anywhere is said to be truncated, never malformed or unknown."""

import pytest

from systemzero_core.errors import InvalidInput, TruncatedInput
from systemzero_core.formats import Format, parse

DUMP = (
    "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"
    '<hierarchy rotation="0"><node class="android.widget.Button" text="Pay"/></hierarchy>'
)
WINDOWS = '<Pane LocalizedControlType="pane" Name="Till" AutomationId="1"><Button Name="a"/></Pane>'
APPLE = '<?xml version="1.0"?><XCUIElementTypeApplication type="a" name="Till"/>'


@pytest.mark.parametrize("document", [DUMP, WINDOWS, APPLE, DUMP[DUMP.index("<hier") :]])
def test_xml_is_cut_off_wherever_it_ends(document: str) -> None:
    for length in range(2, len(document) - 1):
        with pytest.raises(TruncatedInput):
            parse(document[:length].encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "document", [DUMP, '- button "Pay"\n- link "Ship"\n', '{"nodes": [{}, {}]}']
)
def test_utf_16_ends_inside_a_character(document: str, encoding: str) -> None:
    data = document.encode(encoding)
    for length in range(5, len(data), 2 - len(data) % 2):
        with pytest.raises(InvalidInput) as caught:
            parse(data[: length | 1])
        assert isinstance(caught.value, TruncatedInput), (length | 1, caught.value)


@pytest.mark.parametrize("end", ["-", "1.", "1.5e", "1.5E+", "1e-", "tr", '"a', "-0."])
@pytest.mark.parametrize(
    "before", ['{"applications": [{"role": "a", "value": ', '{"nodes": [{"a": ']
)
def test_json_is_cut_off_inside_a_number_too(before: str, end: str) -> None:
    for format_ in (None, Format.ATSPI, Format.CDP):
        with pytest.raises(TruncatedInput):
            parse((before + end).encode(), format=format_)


@pytest.mark.parametrize("line", ["- ", "    - ", "  - /", "    - /u", "- '", "  -"])
def test_aria_is_cut_off_behind_a_dash(line: str) -> None:
    with pytest.raises(TruncatedInput):
        parse(f"- list:\n  - listitem:\n{line}".encode())


@pytest.mark.parametrize("text", ["<", "<3", "a < b", "<br/>", "<a></a>", "<x>"])
def test_what_is_whole_and_no_capture_is_not_truncated(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text.encode())
    assert not isinstance(caught.value, TruncatedInput)
