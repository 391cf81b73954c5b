"""Each dumper's dialect read as what it is: names, states, hints, visibility, what is unknown."""

from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.samples import android, mac
from systemzero_core.diff import diff
from systemzero_core.errors import UnknownFormat
from systemzero_core.formats import Format, detect, parse
from systemzero_core.normalize import aria_role, normalize
from systemzero_core.tree import Node, Tree
from tests.support.native_captures import only


def normal(data: bytes) -> Tree:
    return normalize(parse(data).tree)


def view(**attributes: str) -> Node:
    """The one node of an Android dump, as it was parsed."""
    written = " ".join(f'{key.replace("_", "-")}="{value}"' for key, value in attributes.items())
    return parse(f"<hierarchy><node {written}/></hierarchy>".encode()).tree.nodes[1]


def element(kind: str, **attributes: str) -> Node:
    """One XCUIElement, as it was parsed."""
    written = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    return parse(f"<XCUIElementType{kind} {written}/>".encode()).tree.nodes[0]


def control(kind: str, **attributes: str) -> Node:
    """One control of Windows, as it was parsed."""
    written = " ".join(f'{key.replace("__", ".")}="{v}"' for key, v in attributes.items())
    return parse(f'<{kind} AutomationId="" {written}/>'.encode()).tree.nodes[0]


def sentences(before: bytes, after: bytes) -> list[str]:
    return [edit.sentence for edit in diff(normal(before), normal(after)).edits]


def test_a_mac_says_names_in_title_and_ids_in_identifier() -> None:
    parsed = parse(mac.page_source(mac.settings()))
    assert parsed.format is Format.APPIUM_IOS
    button = only(parsed, "XCUIElementTypeButton")
    assert (button.name, button.attribute("id")) == ("Print", "print")
    assert only(parsed, "XCUIElementTypeStaticText").name == "Reports"
    field = only(parsed, "XCUIElementTypeTextField")
    assert (field.name, field.value) == ("Search", "")
    assert field.attribute("placeholder") == "Number or name"
    first, second = (n for n in parsed.tree.nodes if n.role == "XCUIElementTypeRadioButton")
    assert (first.name, first.value, first.states) == ("Every day", "", ("checked",))
    assert second.states == ("unchecked",)
    assert only(parsed, "XCUIElementTypeCheckBox").states == ("checked",)
    depots = next(node for node in parsed.tree.nodes if node.name == "Depots")
    assert depots.attribute("id") is None  # Xcode's numbering is another one in each build


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"button": "Delete all"}, ["button “Print” renamed to “Delete all”"]),
        ({"item": "Check out"}, ["menuitem “Check in” renamed to “Check out”"]),
        ({"sounds": "0"}, ["checkbox “Sounds” became unchecked"]),
        ({"sounds": "2"}, None),
        (
            {"every": "week"},
            ["radio “Every day” became unchecked", "radio “Every week” became checked"],
        ),
    ],
)
def test_a_change_on_a_mac_is_told_once(change: dict[str, str], said: list[str] | None) -> None:
    before = mac.page_source(mac.settings())
    found = sentences(before, mac.page_source(mac.settings(**change)))
    assert len(found) == (1 if said is None else len(said)), found
    assert said is None or found == said


@pytest.mark.parametrize("kind", ["Switch", "CheckBox", "RadioButton", "Toggle"])
@pytest.mark.parametrize(
    ("value", "state"),
    [("1", "checked"), ("0", "unchecked"), ("2", "mixed"), ("true", "checked"), ("On", "checked"),
     ("off", "unchecked"), ("false", "unchecked")],
)  # fmt: skip
def test_apple_states_in_any_spelling(kind: str, value: str, state: str) -> None:
    found = element(kind, label="Sounds", value=value)
    assert (found.value, found.states) == ("", (state,))


def test_apple_states_in_other_places() -> None:
    assert element("RadioButton", title="Day", selected="true").states == ("checked",)
    assert element("RadioButton", title="Day", selected="true", value="0").states == ("unchecked",)
    assert element("Tab", label="Day", selected="true").states == ("selected",)
    assert element("DisclosureTriangle", value="1").states == ("expanded",)
    chosen = element("Button", label="Day", traits="Button, Selected")
    assert (chosen.states, chosen.attribute("traits")) == (("selected",), "Button")


@pytest.mark.parametrize(
    ("checked", "state"),
    [("true", "checked"), ("false", "unchecked"), ("1", "checked"), ("0", "unchecked"),
     ("on", "checked"), ("partial", "mixed"), ("2", "mixed")],
)  # fmt: skip
@pytest.mark.parametrize(
    "class_name",
    ["android.widget.Switch", "androidx.appcompat.widget.SwitchCompat", "android.widget.CheckBox",
     "android.widget.RadioButton", "android.widget.ToggleButton",
     "com.google.android.material.switchmaterial.SwitchMaterial"],
)  # fmt: skip
def test_android_states_said_or_not_to_be_checkable(
    class_name: str, checked: str, state: str
) -> None:
    assert state in view(**{"class": class_name}, checked=checked).states
    assert state in view(**{"class": class_name}, checked=checked, checkable="true").states


def test_what_cannot_be_checked_has_no_such_state() -> None:
    assert view(**{"class": "a.b.TextView"}, checked="false", checkable="false").states == ()


@pytest.mark.parametrize(
    ("text", "checked", "name"),
    [("ON", "true", ""), ("OFF", "false", ""), ("Wi-Fi ON", "true", "Wi-Fi"),
     ("WLAN AUS", "false", "WLAN"), ("移动数据 关闭", "false", "移动数据"),
     ("Wi-Fi ON", "false", "Wi-Fi ON"), ("Log on", "false", "Log on"), ("Wi-Fi", "true", "Wi-Fi"),
     ("Always on", "true", "Always on"), ("Always On", "true", "Always On"), ("on", "true", ""),
     ("Schalte Licht aus", "false", "Schalte Licht aus"), ("Claro que sí", "true", "Claro que sí"),
     ("Wi-Fi&#10;ON", "true", "Wi-Fi"), ("Wi-Fi&#10;Off", "false", "Wi-Fi"),
     ("Wi-Fi, on", "true", "Wi-Fi"), ("Wi-Fi, ON", "true", "Wi-Fi"),
     ("Wi-Fi,Off", "false", "Wi-Fi"),
     ("Wi-Fi AÇIK", "true", "Wi-Fi"), ("Wi-Fi KAPALI", "false", "Wi-Fi"), ("Açık", "true", ""),
     ("Wi-Fi WŁ.", "true", "Wi-Fi"), ("Wi-Fi WYŁ.", "false", "Wi-Fi"),
     ("Вход ВЫКЛ.", "false", "Вход"),
     ("Wi-Fi 켜짐", "true", "Wi-Fi")],
)  # fmt: skip
def test_a_switch_does_not_say_its_state_a_second_time(text: str, checked: str, name: str) -> None:
    flags = {"class": "android.widget.Switch", "checkable": "true", "checked": checked}
    assert view(text=text, **flags).name == name
    assert view(text=text, **{**flags, "class": "android.widget.Button"}).name == unescape(text)


def test_a_switch_that_is_turned_is_one_edit() -> None:
    on = '<node class="android.widget.Switch" text="Wi-Fi ON" checkable="true" checked="true" />'
    off = on.replace("ON", "OFF").replace('checked="true"', 'checked="false"')
    data = "<hierarchy><node class='android.widget.TextView' text='Net'/>{}</hierarchy>"
    found = sentences(data.format(on).encode(), data.format(off).encode())
    assert len(found) == 1
    assert found[0].startswith("switch “Wi-Fi” ")


@pytest.mark.parametrize(
    ("attributes", "states"),
    [
        ({"ToggleState": "On"}, ("checked",)),
        ({"ToggleState": "1"}, ("checked",)),
        ({"Toggle__ToggleState": "Off"}, ("unchecked",)),
        ({"ToggleState": "2"}, ("mixed",)),
        ({"ToggleState": "Indeterminate"}, ("mixed",)),
        ({"IsSelected": "true"}, ("selected",)),
        ({"IsEnabled": "false"}, ("disabled",)),
        ({"ExpandCollapse__ExpandCollapseState": "Expanded"}, ("expanded",)),
    ],
)
def test_windows_states_in_any_spelling(
    attributes: dict[str, str], states: tuple[str, ...]
) -> None:
    assert control("CheckBox", **attributes).states == states


def test_a_radio_button_of_windows_is_checked_where_it_is_selected() -> None:
    assert control("RadioButton", IsSelected="True").states == ("checked",)
    assert control("RadioButton", SelectionItem__IsSelected="False").states == ("unchecked",)


def test_a_hint_is_no_typed_text_in_any_format() -> None:
    hint = "Number or name"
    field = "android.widget.EditText"
    for name in ("hint", "hintText", "placeholder"):
        found = view(**{"class": field, name: hint}, text=hint)
        assert (found.value, found.attribute("placeholder")) == ("", hint)
        assert view(**{"class": field, name: hint}, text="4711").value == "4711"
    assert view(**{"class": field}, text=hint, showing_hint="true").value == ""
    complete = "androidx.appcompat.widget.AppCompatAutoCompleteTextView"
    assert view(**{"class": complete}, text="4711", content_desc="Parcel").value == "4711"
    for kind in ("TextField", "SecureTextField", "SearchField", "TextView"):
        assert element(kind, label="Parcel", value=hint, placeholderValue=hint).value == ""
        assert element(kind, label="Parcel", value="4711", placeholderValue=hint).value == "4711"
    for name in ("HelpText", "PlaceholderText"):
        assert control("Edit", Name="Parcel", Value__Value=hint, **{name: hint}).value == ""
        assert control("Edit", Name="Parcel", Value__Value="47", **{name: hint}).value == "47"


@pytest.mark.parametrize(
    ("name", "shown", "away"),
    [
        ("visible-to-user", "true", "false"),
        ("visibleToUser", "true", "false"),
        ("displayed", "true", "false"),
        ("visible", "1", "0"),
        ("is-visible", "yes", "no"),
        ("shown", "True", "False"),
        ("isDisplayed", "true", "false"),
        ("hidden", "false", "true"),
        ("aria-hidden", "false", "true"),
        ("visibility", "visible", "gone"),
        ("visibility", "visible", "invisible"),
    ],
)
def test_what_is_not_shown_is_hidden_in_any_dumpers_words(name: str, shown: str, away: str) -> None:
    for node, other in (
        (view(text="Declined", **{name: away}), view(text="Declined", **{name: shown})),
        (
            element("StaticText", label="a", **{name: away}),
            element("Cell", label="a", **{name: shown}),
        ),
        (control("Text", Name="a", **{name: away}), control("Text", Name="a", **{name: shown})),
    ):
        assert node.states == ("hidden",)
        assert other.states == ()
        assert not {key for key, _ in (*node.attributes, *other.attributes)} & {name}


def test_an_error_text_that_appears_is_told_on_each_platform() -> None:
    dumps = {
        '<hierarchy><node class="a.TextView" text="Pay"/><node class="a.TextView" '
        'text="Declined" visible-to-user="{}"/></hierarchy>': ("false", "true"),
        '<XCUIElementTypeWindow><XCUIElementTypeButton label="Pay"/><XCUIElementTypeStaticText '
        'label="Declined" displayed="{}"/></XCUIElementTypeWindow>': ("false", "true"),
        '<Window AutomationId="w" x="0" y="0" width="400" height="300"><Button Name="Pay"/><Text '
        'Name="Declined" IsOffscreen="{}" x="9" y="9" width="90" height="20"/></Window>': (
            "True",
            "False",
        ),
    }
    for dump, (before, after) in dumps.items():
        found = sentences(dump.format(before).encode(), dump.format(after).encode())
        assert [sentence.partition(" added")[0] for sentence in found] == ["text “Declined”"]


def test_what_hides_all_below_it_hides_what_says_that_it_is_shown() -> None:
    for hiding in ('visibility="gone"', 'aria-hidden="true"'):
        data = (
            f'<hierarchy><node class="a.FrameLayout" {hiding}><node class="a.Button" text="Pay" '
            'visible="true"/></node><node class="a.Button" text="Back"/></hierarchy>'
        )
        assert [node.name for node in normal(data.encode()).nodes[1:]] == ["Back"]


def test_a_list_that_windows_does_not_show_hides_its_items() -> None:
    items = '<ListItem Name="LEJ" IsOffscreen="True"/><ListItem Name="BRE" IsOffscreen="True"/>'
    closed = f'<ComboBox Name="Depot"><List IsOffscreen="True">{items}</List></ComboBox>'
    found = normal(f'<Window AutomationId="">{closed}</Window>'.encode())
    assert [node.role for node in found.nodes] == ["window", "combobox"]


def test_what_windows_has_scrolled_away_stays() -> None:
    items = "".join(
        f'<ListItem Name="{i}" IsOffscreen="{i > 1}" x="0" y="{160 * i}" width="90" height="20"/>'
        for i in range(4)
    )
    below = '<Text Name="Foot" IsOffscreen="True" x="0" y="900" width="90" height="20"/>'
    box = 'x="0" y="0" width="100" height="300"'
    data = f'<Window AutomationId="" {box}><List {box}>{items}</List>{below}</Window>'
    assert {node.name for node in normal(data.encode()).nodes} >= {"2", "3", "Foot"}
    minimised = data.replace("<Window", '<Window IsOffscreen="True"')
    assert len(normal(minimised.encode())) == len(normal(data.encode()))


def test_an_attribute_that_nobody_knows_is_kept() -> None:
    kept = ("data-state", "overdue")
    assert kept in view(text="a", **{"data-state": "overdue"}).attributes
    assert kept in element("Cell", label="a", **{"data-state": "overdue"}).attributes
    assert kept in control("Text", Name="a", **{"data-state": "overdue"}).attributes
    assert ("Level", "3") in control("Text", Name="a", Custom__Level="3").attributes
    for silent in ("", "false", "null", "android.view.View@1f3c2a"):
        assert view(text="a", tag=silent).attributes == ()


def test_what_every_tool_says_of_every_node_is_no_attribute_of_it() -> None:
    usual = {"index": "1", "drawing-order": "3", "window-id": "715", "a11y-important": "true"}
    assert view(text="a", **usual).attributes == ()
    assert (
        element("Cell", type="XCUIElementTypeCell", accessible="true", index="2").attributes == ()
    )
    ours = {"IsContentElement": "True", "ProcessId": "12", "IsTogglePatternAvailable": "True"}
    assert control("Text", CanMaximize="True", **ours).attributes == ()


@given(st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True), st.text(max_size=9)))
def test_any_attributes_are_read(given_: dict[str, str]) -> None:
    written = "".join(f" {key}='{value.encode().hex()}'" for key, value in given_.items())
    for start in ("node", "XCUIElementTypeCell", 'Text AutomationId=""'):
        data = f"<{start}{written}/>".encode()
        data = b"<hierarchy>" + data + b"</hierarchy>" if start == "node" else data
        assert normalize(parse(data).tree).nodes


ESPRESSO = (
    "<com.android.internal.policy.DecorView index='0' package='test.parcels' bounds='[0,0][9,9]' "
    "visible='true'><android.widget.Button text='Pay' view-tag='pay' visible='true'/>"
    "</com.android.internal.policy.DecorView>"
)


@pytest.mark.parametrize(
    ("data", "format_"),
    [
        (ESPRESSO, Format.UIAUTOMATOR),
        ("<displays><display id='0'/></displays>", Format.UIAUTOMATOR),
        ("<AppiumAUT><XCUIElementTypeApplication/></AppiumAUT>", Format.APPIUM_IOS),
        ("<XCUIElementTypeApplication elementType='2' title='a'/>", Format.APPIUM_IOS),
        ("<Window LocalizedControlType='window' Name='a'/>", Format.APPIUM_WINDOWS),
    ],
)
def test_a_dialect_is_recognised(data: str, format_: Format) -> None:
    assert detect(data.encode()) is format_


@pytest.mark.parametrize(
    "data",
    [
        "<AppiumAUT><UIAApplication name='a'/></AppiumAUT>",
        "<AppiumAUT><App><Screen name='a'/></App></AppiumAUT>",
        "<AXApplication AXTitle='a'><AXWindow/></AXApplication>",
    ],
)
def test_a_dialect_with_anothers_elements_is_not_read_as_that_other(data: str) -> None:
    with pytest.raises(UnknownFormat, match="of no known format"):
        parse(data.encode())


def test_espresso_is_read_as_android() -> None:
    button = only(parse(ESPRESSO.encode()), "android.widget.Button")
    assert (button.name, button.attribute("view-tag")) == ("Pay", "pay")


@pytest.mark.parametrize(
    ("class_name", "role"),
    [
        ("android.support.v7.app.ActionBar$Tab", "tab"),
        ("androidx.appcompat.app.ActionBar$Tab", "tab"),
        ("android.support.v7.app.ActionBar.Tab", "tab"),
        ("com.google.android.material.tabs.TabLayout$TabView", "tab"),
        ("com.google.android.material.bottomnavigation.BottomNavigationItemView", "tab"),
        ("android.inputmethodservice.Keyboard$Key", "button"),
        ("android.widget.AbsListView", "list"),
        ("android.widget.SpinButton", "spinbutton"),
        ("android.widget.CompoundButton", "checkbox"),
        ("androidx.appcompat.view.menu.ActionMenuItemView", "menuitem"),
        ("androidx.appcompat.widget.AppCompatCheckedTextView", "checkbox"),
        ("androidx.appcompat.widget.AppCompatAutoCompleteTextView", "textbox"),
        ("androidx.appcompat.widget.SearchView$SearchAutoComplete", "searchbox"),
        ("com.google.android.material.slider.RangeSlider", "slider"),
        ("com.google.android.material.progressindicator.LinearProgressIndicator", "progressbar"),
        ("com.google.android.material.switchmaterial.SwitchMaterial", "switch"),
        ("com.example.widget.RecyclerFastScroller", "scrollbar"),
        ("me.relex.circleindicator.PageIndicator", "scrollbar"),
        ("android.widget.Toast", "alert"),
        ("TextView", "text"),
        ("Button", "button"),
        ("a.b.c", "generic"),
        ("X.0Ab", "generic"),
        ("aic", "generic"),
        ("o.ﮃ", "generic"),
    ],
)
def test_a_class_that_is_reported_on_purpose_has_its_role(class_name: str, role: str) -> None:
    data = f'<hierarchy><node class="{class_name}" text="Calls"/></hierarchy>'
    assert aria_role(parse(data.encode()).tree.nodes[1].role) == role


def test_an_obfuscated_class_is_no_change_from_build_to_build() -> None:
    data = '<hierarchy><{0} class="{0}" text="Calls" clickable="true"/></hierarchy>'
    for old, new in (("a.b.c", "a.d.e"), ("aic", "bkz"), ("X.0Ab", "X.1Cd"), ("o.ﮃ", "o.ﮄ")):
        assert sentences(data.format(old).encode(), data.format(new).encode()) == []
    hidden = '<hierarchy><node text="a" resource-id="test:id/(name removed)"/></hierarchy>'
    assert parse(hidden.encode()).tree.nodes[1].attribute("resource-id") is None


def test_a_tab_that_is_chosen_is_told_as_one() -> None:
    row = (
        '<hierarchy><node class="x.ActionBar$Tab" content-desc="Chats" selected="{}"/>'
        '<node class="x.ActionBar$Tab" content-desc="Calls" selected="{}"/></hierarchy>'
    )
    found = sentences(row.format("true", "false").encode(), row.format("false", "true").encode())
    assert found == ["tab “Chats” is no longer selected", "tab “Calls” became selected"]


def test_several_windows_are_read_in_each_layout() -> None:
    for write in (android.windows, android.stacked):
        data = write(android.login(), android.settings())
        assert detect(data) is Format.UIAUTOMATOR
        parsed = parse(data)
        assert {"SIGN IN", "Brightness"} <= {node.name for node in parsed.tree.nodes}
        assert parsed.viewport == (1080, 2280)
