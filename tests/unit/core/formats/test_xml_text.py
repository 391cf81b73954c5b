"""XML as it is captured: amid what a shell prints, with what XML forbids; errors with a place."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.errors import DomainError, InvalidInput, TruncatedInput, UnsafeInput
from systemzero_core.formats import Format, detect, parse
from tests.support.native_captures import only

SCREEN = (
    '<hierarchy rotation="0"><node class="android.widget.TextView" text="Parcels" '
    'bounds="[0,0][90,40]"/></hierarchy>'
)
DECLARED = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>" + SCREEN
TRACE = (
    "java.io.FileNotFoundException: /data/theme.xml: open failed: ENOENT (No such file)\n"
    "\tat java.io.FileInputStream.<init>(FileInputStream.java:159)\n"
    "\tat vendor.theme.Loader.<clinit>(Loader.java:108)\n"
    "Caused by: android.system.ErrnoException: open failed\n\t... 12 more\n"
)
LONG_TRACE = TRACE * 40  # longer than what a first look takes in
NOISE = {
    "trace": TRACE,
    "long trace": LONG_TRACE,
    "linker": "WARNING: linker: /vendor/lib/libx.so: unused DT entry: type 0x1d arg 0x0\n",
    "adb": "* daemon not running; starting now at tcp:5037\n* daemon started successfully\n",
    "waiting": "- waiting for device -\n< waiting for any device >\n",
    "same line": "UI hierchary dumped to: /dev/tty",
    "mark": "\ufeff\r\n",
}

NO_MARKUP = st.text(st.characters(codec="utf-8", exclude_characters="<"), max_size=60)


@pytest.mark.parametrize("document", [SCREEN, DECLARED], ids=["bare", "declared"])
@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_what_a_shell_prints_before_and_after_is_left_out(noise: str, document: str) -> None:
    expected = parse(SCREEN.encode())
    assert detect((noise + document).encode()) is Format.UIAUTOMATOR
    assert parse((noise + document).encode()) == expected
    assert parse((document + "\n" + noise).encode()) == expected
    assert parse((noise + document + noise).encode("utf-16")) == expected


@given(NO_MARKUP, NO_MARKUP)
def test_any_words_around_a_document_change_nothing(before: str, after: str) -> None:
    data = f"adb: {before}\n{DECLARED}{after}".encode()
    assert parse(data, format=Format.UIAUTOMATOR) == parse(SCREEN.encode())


@pytest.mark.parametrize("between", ["", "\n", "UI hierchary dumped to: /dev/tty\n"])
def test_a_second_document_is_never_left_out_in_silence(between: str) -> None:
    with pytest.raises(InvalidInput, match="junk after document element"):
        parse((DECLARED + between + DECLARED).encode())
    with pytest.raises(InvalidInput, match="junk after document element"):
        parse(f'<Pane AutomationId="1"/>{between}<Pane AutomationId="2"/>'.encode())


def named(text: str) -> str:
    """The name of the one text in a dump whose `text` attribute is spelt `text`."""
    data = SCREEN.replace("Parcels", text).encode("utf-8", "surrogatepass")
    return only(parse(data), "android.widget.TextView").name


@pytest.mark.parametrize(
    ("spelt", "read"),
    [
        ("a&#0;b", "a\ufffdb"),
        ("a&#x1b;[31mb", "a\ufffd[31mb"),
        ("a\x1bb", "a\ufffdb"),
        ("a\x00b", "a\ufffdb"),
        ("a\ufffeb\uffff", "a\ufffdb\ufffd"),
        ("a&#xD83D;b", "a\ufffdb"),
        ("a&#55357;b", "a\ufffdb"),
        ("&#xD83D;&#xDE00;", "\U0001f600"),
        ("&#55357;&#56832;!", "\U0001f600!"),
        ("&#xDE00;&#xD83D;", "\ufffd\ufffd"),
        ("&#1114112;&#99999999999999999999;", "\ufffd\ufffd"),
        ("&#x1b;&#60;&#65;&#x1F600;", "\ufffd<A\U0001f600"),
        ("\ud83d\ude00", "\U0001f600"),
        ("a\ud83db", "a\ufffdb"),
    ],
)
def test_what_xml_forbids_costs_one_character_not_the_screen(spelt: str, read: str) -> None:
    assert named(spelt) == read


def test_bytes_that_are_no_text_cost_one_character_and_many_of_them_are_refused() -> None:
    data = SCREEN.encode()
    assert (
        only(parse(data.replace(b"Parc", b"P\xff")), "android.widget.TextView").name == "P\ufffdels"
    )
    other = SCREEN.replace("Parcels", "设置网络和互联网电池").encode("gbk")
    with pytest.raises(InvalidInput, match="not the utf-8 text"):
        parse(other)


def test_a_half_of_a_pair_in_utf_16_costs_one_character() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        data = SCREEN.replace("Parcels", "a\ud83db").encode(encoding, "surrogatepass")
        assert only(parse(data), "android.widget.TextView").name == "a\ufffdb"


@pytest.mark.parametrize("name", ["o.\ufb83", "app.ActionBar.\u02ca", "a$b", "0Ab", "o.沉"])
def test_a_name_that_an_obfuscator_chose_does_not_cost_the_screen(name: str) -> None:
    inner = '<android.widget.Button text="Pay" bounds="[0,0][9,9]"/>'
    data = f'<hierarchy><{name} text="" bounds="[0,0][9,9]">{inner}</{name}></hierarchy>'
    assert only(parse(data.encode()), "android.widget.Button").name == "Pay"


@pytest.mark.parametrize(
    ("text", "where", "there"),
    [
        ("<hierarchy>\n<node text='a <> b'/></hierarchy>", "line 2, column 15", "<> b.*&lt;"),
        ("<hierarchy>\n<node text='a & b'/></hierarchy>", "line 2, column 15", "& b.*&amp;"),
        ("<hierarchy>\n<node></nude></hierarchy>", "line 2, column 9", "'nude>"),
        ("<hierarchy>\n<node text='&nbsp;'/></hierarchy>", "line 2, column 1", "undefined"),
        ("<hierarchy>\n<node a='&#x1b;&#x1b; <'/></hierarchy>", "line 2, column 23", "<'/>"),
        ("WARNING: linker\n\n<hierarchy>\n <node a=1/></hierarchy>", "line 4, column 10", "'1/>"),
    ],
)
def test_an_error_names_line_column_and_what_stands_there(
    text: str, where: str, there: str
) -> None:
    with pytest.raises(InvalidInput, match=f"^{where}: .*{there}") as caught:
        parse(text.encode())
    assert caught.value.violations[0].field == where


def test_what_an_error_quotes_is_bounded_and_escaped() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(b"<hierarchy><node text='<\x1b[31m" + b"\x07" * 500 + b"'/></hierarchy>")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_a_document_type_is_refused_behind_noise_and_beside_what_is_forbidden() -> None:
    for before in ("", TRACE, "<!-- a -->"):
        with pytest.raises(UnsafeInput, match="document type"):
            parse(f"{before}<!DOCTYPE x [<!ENTITY a 'b'>]><hierarchy t='\x01&a;'/>".encode())


FORBIDDEN = st.sampled_from(
    ["\0", "\x01", "\x1b", "\x7f", "\ufffe", "\ud83d", "&#0;", "&#x1f;", "&#xDC00;", "&#xD800;"]
)


@given(st.lists(FORBIDDEN | st.sampled_from(["a", "é", "&lt;", "&#65;", "\U0001f600"]), max_size=8))
def test_any_mixture_of_what_is_forbidden_is_read(parts: list[str]) -> None:
    assert "<" not in named("x" + "".join(parts)).replace("<", "", parts.count("&lt;"))


@given(st.text(max_size=80), st.integers(0, len(DECLARED)))
def test_whatever_is_put_into_a_document_gets_an_answer_or_a_typed_error(
    extra: str, place: int
) -> None:
    data = (DECLARED[:place] + extra + DECLARED[place:]).encode("utf-8", "surrogatepass")
    with suppress(DomainError):
        parse(data, format=Format.UIAUTOMATOR)


def test_cut_off_behind_noise_is_still_cut_off() -> None:
    for length in range(30, len(DECLARED) - 1, 7):
        with pytest.raises(TruncatedInput, match="truncated"):
            parse((TRACE + DECLARED[:length]).encode(), format=Format.UIAUTOMATOR)


IN_PLACE = {
    "ERROR: could not get idle state.": "never came to rest",
    "ERROR: null root node returned by UiTestAutomationBridge.": "off or locked",
    "UI hierchary dumped to: /sdcard/window_dump.xml": "pull it",
    "UI hierarchy dumped to: /sdcard/window_dump.xml": "pull it",
    "Killed": "ended the dump",
    "/system/bin/sh: 3: Killed": "ended the dump",
    "error: device offline": "adb devices",
    "error: no devices/emulators found": "adb devices",
    "adb: device 'emulator-5554' not found": "adb devices",
    "error: device unauthorized.": "adb devices",
    "error: closed": "adb devices",
    "cat: /sdcard/window_dump.xml: No such file or directory": "not there",
    "/system/bin/sh: uiautomator: not found": "could not run",
    "java.lang.IllegalStateException: UiAutomation not connected": "failed",
    '{"value":{"error":"no such window","message":"gone"}}': "no such window: gone",
    '{"value":{"error":"invalid session id","message":"ended"}}': "start a session",
    '{"status":13,"value":{"message":"An unknown error"},"sessionId":"1"}': "An unknown error",
    '{"id":3,"error":{"code":-32000,"message":"No node"}}': "No node",
    '{"value":"<hierarchy/>","sessionId":null}': "`value`",
}


@pytest.mark.parametrize(("line", "meaning"), IN_PLACE.items(), ids=IN_PLACE)
def test_what_a_tool_says_in_place_of_a_capture_is_quoted_and_explained(
    line: str, meaning: str
) -> None:
    for data in (line.encode(), f"\r\n{line}\r\n".encode("utf-16")):
        with pytest.raises(InvalidInput) as caught:
            parse(data)
        assert meaning in str(caught.value)
        if not line.startswith("{"):
            assert line in str(caught.value)
            with pytest.raises(InvalidInput, match=meaning):
                parse(data, format=Format.UIAUTOMATOR)


@pytest.mark.parametrize("line", list(IN_PLACE)[:2])
def test_a_document_behind_a_dump_that_failed_is_an_older_one(line: str) -> None:
    with pytest.raises(InvalidInput, match="older one"):
        parse(f"{line}\r\n{DECLARED}".encode())
    again = "UI hierchary dumped to: /dev/tty\n"  # a loop that tries until it succeeds
    for text in (f"{line}\n{again}{DECLARED}", f"{line}\n{DECLARED}{again}"):
        assert parse(text.encode()) == parse(SCREEN.encode())


def test_a_line_that_is_quoted_is_bounded_and_escaped() -> None:
    line = "error: device offline \x1b[31m\u202e" + "x" * 5000
    with pytest.raises(InvalidInput) as caught:
        parse(line.encode())
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_hostile_texts_take_linear_time() -> None:
    many = 400_000
    for text in (
        "<a\n" * many,
        "<a" + " " * many,
        " " * many + "<a b",
        "<" * many,
        "\t" * many + "<hierarchy>",
        "<hierarchy a='" + "&#0;" * many,
        "<hierarchy a='" + "&#" + "9" * many,
        "<hierarchy/>" + "\n<a" * many,
        "<hierarchy>" + "<$" * many,
        "error: " + "device '" * many,
        "at a.<init>(\n" * (many // 10),
        "a." * many,
    ):
        with pytest.raises(DomainError):
            parse(text.encode(), format=Format.UIAUTOMATOR)


@pytest.mark.parametrize("encoding", ["windows-1259", "iso-8859-17", "latin-15"])
def test_an_encoding_that_is_none_is_named(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><hierarchy><node text="\xff"/></hierarchy>'
    with pytest.raises(InvalidInput, match=f"says that it is {encoding}, which is not read"):
        parse(text.encode("latin-1"), format=Format.UIAUTOMATOR)
