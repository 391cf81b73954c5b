"""The formats in XML: Android, iOS, Windows."""

import codecs

import pytest

from systemzero_core.errors import InvalidInput, TruncatedInput, UnsafeInput
from systemzero_core.formats import Format, Parsed, parse
from systemzero_core.tree import Bounds
from tests.support.native_captures import only, outlined

ANDROID = """<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>
<hierarchy rotation="0"><node index="0" text="" class="android.widget.FrameLayout"
 content-desc="" enabled="true" bounds="[0,0][1080,1920]">
<node class="android.widget.EditText" text="Ada" content-desc="Name" enabled="true"
 resource-id="app:id/name" focusable="true" bounds="[10,20][110,60]" password="false"/>
<node class="android.widget.CheckBox" text="Remember" checkable="true" checked="false"
 enabled="false" clickable="true" content-desc="" bounds="[-5,0][5,10]" NAF="true"/>
</node></hierarchy>"""

IOS = """<?xml version="1.0" encoding="UTF-8"?><AppiumAUT>
<XCUIElementTypeApplication type="XCUIElementTypeApplication" name="App" label="App"
 enabled="true" visible="true" x="0" y="0" width="375" height="812">
<XCUIElementTypeSwitch type="XCUIElementTypeSwitch" value="1" name="wifi" label="Wi-Fi"
 enabled="true" visible="true" x="10" y="20" width="51" height="31"/>
<XCUIElementTypeTextField value="Ada" label="Name" placeholderValue="your name" enabled="false"
 visible="false"/>
</XCUIElementTypeApplication></AppiumAUT>"""

WINDOWS = """<Window AutomationId="Main" ClassName="W" Name="Editor" RuntimeId="42.1" ProcessId="7"
 IsEnabled="True" x="0" y="0" width="100" height="50"><CheckBox AutomationId="c" Name="Wrap"
 ToggleState="Off" IsEnabled="False" IsKeyboardFocusable="True" x="1" y="2" width="3" height="4"
/><Button AutomationId="b" ToggleState="On" AccessKey="Alt+B" Orientation="Vertical"/><MenuItem
 AutomationId="m" ExpandCollapseState="Collapsed" IsOffscreen="True"/></Window>"""


def test_an_android_dump() -> None:
    parsed = parse(ANDROID.encode())

    assert parsed.format is Format.UIAUTOMATOR
    assert parsed.viewport == (1080, 1920)
    assert outlined(parsed) == [
        "hierarchy",
        ".android.widget.FrameLayout",
        "..android.widget.EditText Name",
        "..android.widget.CheckBox Remember",
    ]
    field = only(parsed, "android.widget.EditText")
    assert field.value == "Ada"
    assert field.bounds == Bounds(10, 20, 100, 40)
    assert field.attribute("resource-id") == "app:id/name"
    box = only(parsed, "android.widget.CheckBox")
    assert box.states == ("clickable", "disabled", "unchecked")
    assert box.bounds == Bounds(-5, 0, 10, 10)


def test_both_android_dialects_give_the_same_tree() -> None:
    class_as_tag = (
        ANDROID.replace("<node index", "<android.widget.FrameLayout index")
        .replace("</node>", "</android.widget.FrameLayout>")
        .replace('<node class="android.widget.EditText"', "<android.widget.EditText")
    )

    assert class_as_tag != ANDROID
    assert parse(class_as_tag.encode()).tree == parse(ANDROID.encode()).tree


def test_what_the_android_shell_prints_around_a_dump_is_left_out() -> None:
    printed = f"\ufeffUI hierchary dumped to: /dev/tty\n{ANDROID}UI hierchary dumped to: /dev/tty\n"

    assert parse(printed.encode()).tree == parse(ANDROID.encode()).tree


def test_an_android_text_beside_a_description_is_a_value() -> None:
    row = '<hierarchy><node class="V" text="12" content-desc="Messages"/></hierarchy>'

    node = parse(row.encode()).tree.nodes[1]

    assert (node.name, node.value) == ("Messages", "12")


def test_an_ios_page_source() -> None:
    parsed = parse(IOS.encode())

    assert parsed.format is Format.APPIUM_IOS
    assert parsed.viewport == (375, 812)
    assert only(parsed, "XCUIElementTypeApplication").attributes == ()
    switch = only(parsed, "XCUIElementTypeSwitch")
    assert (switch.name, switch.value, switch.states) == ("Wi-Fi", "", ("checked",))
    assert switch.attribute("id") == "wifi"
    field = only(parsed, "XCUIElementTypeTextField")
    assert (field.name, field.value, field.bounds) == ("Name", "Ada", None)
    assert field.states == ("disabled", "hidden")
    assert field.attribute("placeholder") == "your name"


def test_a_windows_page_source() -> None:
    parsed = parse(WINDOWS.encode())

    assert parsed.format is Format.APPIUM_WINDOWS
    assert outlined(parsed) == ["Window Editor", ".CheckBox Wrap", ".Button", ".MenuItem"]
    assert only(parsed, "CheckBox").states == ("disabled", "focusable", "unchecked")
    assert only(parsed, "Button").states == ("pressed",)
    assert only(parsed, "Button").attribute("orientation") == "vertical"
    assert only(parsed, "MenuItem").states == ("collapsed", "hidden")
    assert dict(only(parsed, "Window").attributes) == {"automation-id": "Main", "class": "W"}


DECLARED_16 = '<?xml version="1.0" encoding="utf-16"?>'


@pytest.mark.parametrize(
    "data",
    [
        (DECLARED_16 + WINDOWS).encode("utf-16"),
        codecs.BOM_UTF16_BE + (DECLARED_16 + WINDOWS).encode("utf-16-be"),
        ("\r\n" + WINDOWS).encode("utf-16-le"),
        ("\n" + WINDOWS).encode("utf-16-be"),
        (DECLARED_16 + WINDOWS).encode(),
        ("\ufeff \r\n" + DECLARED_16 + WINDOWS).encode(),
    ],
    ids=["LE, mark", "BE, mark", "LE, no mark", "BE, no mark", "false declaration", "blanks"],
)
def test_text_is_read_whatever_the_declaration_says(data: bytes) -> None:
    assert parse(data) == parse(WINDOWS.encode())


def test_a_declared_encoding_is_believed_where_the_text_is_not_utf_8() -> None:
    text = '<?xml version="1.0" encoding="windows-1252"?><Pane AutomationId="" Name="Größe"/>'

    assert parse(text.encode("cp1252")).tree.nodes[0].name == "Größe"
    with pytest.raises(InvalidInput, match="utf-8"):
        parse(
            text.replace("windows-1252", "punycode").encode("cp1252"), format=Format.APPIUM_WINDOWS
        )


LAUGHS = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;">]><hierarchy><node text="&c;"/></hierarchy>"""


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><hierarchy a="&f;"/>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><hierarchy/>',
        "<!DOCTYPE hierarchy><hierarchy/>",
    ],
    ids=["billion laughs", "external entity", "external DTD", "harmless"],
)
def test_document_types_are_refused(text: str) -> None:
    with pytest.raises(UnsafeInput, match="document type"):
        parse(text.encode(), format=Format.UIAUTOMATOR)


@pytest.mark.parametrize("text", [ANDROID, IOS, WINDOWS])
def test_cut_off_xml_is_told_apart(text: str) -> None:
    for length in range(len(text) // 2, len(text) - 1, 3):
        with pytest.raises(TruncatedInput, match="truncated"):
            parse(text[:length].encode())


def test_bytes_that_end_inside_a_character_are_cut_off() -> None:
    utf_16, utf_8 = WINDOWS.encode("utf-16"), "<hierarchy><node text='é".encode()

    for data in (utf_16[:-1], utf_8[:-1]):
        with pytest.raises(TruncatedInput):
            parse(data, format=Format.APPIUM_WINDOWS)


@pytest.mark.parametrize(
    "text",
    [
        "<hierarchy>\n<node></nude></hierarchy>",
        "<hierarchy/>\n<hierarchy/>",
        "<hierarchy>\n<node text='&unknown;'/></hierarchy>",
        "<hierarchy>\n<node a='1' a='2'/></hierarchy>",
        "<hierarchy>\n<node text='\x01 <'/></hierarchy>",
    ],
)
def test_malformed_xml_names_the_line(text: str) -> None:
    with pytest.raises(InvalidInput, match="line 2") as caught:
        parse(text.encode())

    assert not isinstance(caught.value, TruncatedInput)


def parsed_bounds(box: str) -> Parsed:
    return parse(f'<Pane AutomationId="" {box}/>'.encode())


@pytest.mark.parametrize(
    "box", ["", 'x="a" y="0" width="1" height="1"', 'x="nan" y="0" width="1" height="inf"']
)
def test_what_is_no_box_is_left_out(box: str) -> None:
    assert parsed_bounds(box).tree.nodes[0].bounds is None
