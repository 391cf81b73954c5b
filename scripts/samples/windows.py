"""Appium page sources of Windows (UI Automation), in the encodings that they come in."""

from __future__ import annotations

import codecs
import hashlib

from scripts.samples.markup import Box, Element, render

_TRUE = ("IsContentElement", "IsControlElement", "IsEnabled")


def _w(kind: str, box: Box, *children: Element, **given: str) -> Element:
    """A control; `id` is its AutomationId, `name` its Name; the rest stands as it is."""
    return Element(kind, given, box, children)


def _tag(element: Element, index: int, run: int) -> tuple[str, dict[str, str]]:
    given = dict(element.given)
    name, automation_id = given.pop("name", ""), given.pop("id", "")
    x, y, width, height = element.box
    seed = f"{run} {element.kind} {automation_id} {name} {index} {element.box}"
    handle = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:3], "big")
    return element.kind, {
        "AcceleratorKey": "",
        "AccessKey": "",
        "AutomationId": automation_id,
        "ClassName": f"WindowsForms10.{element.kind}.app.0.{0x2A7F00 + run:x}_r{run}_ad1",
        "FrameworkId": "WinForm",
        "HasKeyboardFocus": "False",
        "HelpText": "",
        **dict.fromkeys(_TRUE, "True"),
        "IsKeyboardFocusable": str(element.kind not in ("Pane", "Text")),
        "IsOffscreen": "False",
        "IsPassword": "False",
        "IsRequiredForForm": "False",
        "LocalizedControlType": element.kind.lower(),
        "Name": name,
        "Orientation": "None",
        "ProcessId": str(4000 + 812 * run),
        "RuntimeId": f"42.{handle}",
        **given,
        "x": str(x),
        "y": str(y),
        "width": str(width),
        "height": str(height),
    }


def text(screen: Element, run: int) -> str:
    """The page source of one run; process id, runtime ids and class suffixes are that run's."""
    return render(screen, lambda element, index: _tag(element, index, run), indent="\t")


def utf16_declared(screen: Element) -> bytes:
    """UTF-16 that says so."""
    head = '<?xml version="1.0" encoding="utf-16"?>\n'
    return codecs.BOM_UTF16_LE + (head + text(screen, 1)).encode("utf-16-le")


def utf8_declared_utf16(screen: Element) -> bytes:
    """UTF-8 that says it is UTF-16: a string saved with the declaration of its former self."""
    return ('<?xml version="1.0" encoding="utf-16"?>' + text(screen, 2)).encode()


def utf16_declared_utf8(screen: Element) -> bytes:
    """UTF-16, without a byte order mark, that says it is UTF-8."""
    return ('<?xml version="1.0" encoding="utf-8"?>\n' + text(screen, 3)).encode("utf-16-le")


def utf8_after_blanks(screen: Element) -> bytes:
    """UTF-8 without a declaration, after blank lines."""
    return ("\r\n\r\n  " + text(screen, 1)).encode()


def login() -> Element:
    """A dialog: the sign-in form of a desktop program."""
    return _w(
        "Window",
        (480, 260, 420, 300),
        _w(
            "Pane",
            (488, 290, 404, 262),
            _w("Text", (500, 300, 120, 20), name="E-mail"),
            _w("Edit", (500, 322, 380, 28), id="email", name="E-mail", Value="keeper@parcels.test"),
            _w("Text", (500, 360, 120, 20), name="Password"),
            _w("Edit", (500, 382, 380, 28), id="password", name="Password", IsPassword="True"),
            _w("CheckBox", (500, 420, 380, 24), id="stay", name="Stay signed in", ToggleState="On"),
            _w("Hyperlink", (500, 450, 200, 20), id="forgot", name="Forgot your password?"),
            id="panel",
        ),
        _w("Button", (700, 510, 90, 30), id="go", name="Sign in", IsEnabled="False"),
        _w("Button", (800, 510, 90, 30), id="cancel", name="Cancel", AcceleratorKey="Esc"),
        id="LoginForm",
        name="Parcel Desk – sign in",
        IsModal="True",
    )


def settings() -> Element:
    """Tabs, a list, a slider, a menu bar."""
    items = (
        _w("ListItem", (510, 380, 360, 24), name="LEJ", IsSelected="True"),
        _w("ListItem", (510, 404, 360, 24), name="BRE", IsSelected="False"),
    )
    return _w(
        "Window",
        (480, 260, 420, 400),
        _w(
            "MenuBar",
            (480, 290, 420, 24),
            _w("MenuItem", (480, 290, 60, 24), name="File", AccessKey="Alt+F"),
            _w("MenuItem", (540, 290, 60, 24), name="Help", AccessKey="Alt+H"),
            name="Menu",
        ),
        _w(
            "Tab",
            (490, 320, 400, 300),
            _w("TabItem", (490, 320, 80, 24), name="Device", IsSelected="True"),
            _w("TabItem", (570, 320, 80, 24), name="Account"),
            _w(
                "Pane",
                (492, 346, 396, 270),
                _w("Text", (510, 354, 120, 20), name="Depot"),
                _w("List", (510, 380, 360, 80), *items, id="depot", name="Depot"),
                _w("CheckBox", (510, 470, 360, 24), id="sounds", name="Sounds", ToggleState="Off"),
                _w("Slider", (510, 500, 360, 30), id="bright", name="Brightness", Value="40"),
                _w("ComboBox", (510, 540, 360, 28), id="printer", name="Printer", Value="none"),
                _w("Button", (510, 580, 90, 28), id="hidden", name="Advanced", IsOffscreen="True"),
                id="page",
            ),
            id="tabs",
        ),
        id="SettingsForm",
        name="Parcel Desk – settings",
    )
