"""Appium page sources of iOS (XCUITest driver)."""

from __future__ import annotations

from scripts.samples.markup import Box, Element, render


def element(kind: str, box: Box, *children: Element, **given: str) -> Element:
    """An element of the type `kind`; what is given are its attributes."""
    return Element(f"XCUIElementType{kind}", given, box, children)


_w = element


def _tag(element: Element, index: int) -> tuple[str, dict[str, str]]:
    given = dict(element.given)
    texts: dict[str, str] = {k: given.pop(k) for k in ("value", "name", "label") if k in given}
    x, y, width, height = element.box
    place = {"x": x, "y": y, "width": width, "height": height, "index": index}
    flags = {"enabled": "true", "visible": "true", "accessible": "true" if texts else "false"}
    return element.kind, {
        "type": element.kind,
        **texts,
        **flags,
        **given,
        **{key: str(value) for key, value in place.items()},
    }


def page_source(screen: Element) -> bytes:
    """As the driver prints it: indented, in an `AppiumAUT` element."""
    body = "".join(f"  {line}\n" for line in render(screen, _tag, indent="  ").splitlines())
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{head}<AppiumAUT>\n{body}</AppiumAUT>\n".encode()


def application(*content: Element, beside: tuple[Element, ...] = ()) -> Element:
    """The app, `content` in its window and other windows `beside` it."""
    whole = (0, 0, 390, 844)
    window = _w("Window", whole, _w("Other", whole, _w("Other", whole, *content)))
    return _w("Application", whole, window, *beside, name="Parcel Desk", label="Parcel Desk")


def _text(text: str, box: Box) -> Element:
    return _w("StaticText", box, value=text, name=text, label=text)


def login() -> Element:
    """The Android login screen's sister."""
    return application(
        _w("Image", (155, 80, 80, 80), name="logo", label="Parcel Desk"),
        _text("Sign in", (24, 184, 342, 41)),
        _w(
            "TextField",
            (24, 250, 342, 44),
            name="email",
            label="E-mail",
            value="keeper@parcels.test",
        ),
        _w(
            "SecureTextField", (24, 310, 342, 44), name="password", label="Password", value="••••••"
        ),
        _w("Switch", (315, 370, 51, 31), name="stay", label="Stay signed in", value="1"),
        _w("Button", (24, 420, 342, 50), name="go", label="Sign in", enabled="false"),
        _w("Link", (24, 490, 342, 20), name="Forgot your password?", label="Forgot your password?"),
    )


def _cell(top: int, *content: Element) -> Element:
    return _w("Cell", (0, top, 390, 52), *content)


def settings() -> Element:
    """A table, a slider, a segmented control and a tab bar; one cell is scrolled out of sight."""
    bar = _w(
        "NavigationBar",
        (0, 47, 390, 44),
        _w("Button", (8, 47, 80, 44), name="Back", label="Back"),
        _text("Settings", (155, 55, 80, 21)),
        name="Settings",
    )
    table = _w(
        "Table",
        (0, 91, 390, 670),
        _cell(
            91,
            _text("Sounds", (20, 105, 200, 21)),
            _w("Switch", (319, 101, 51, 31), name="Sounds", label="Sounds", value="1"),
        ),
        _cell(
            143,
            _text("Dark screen", (20, 157, 200, 21)),
            _w("Switch", (319, 153, 51, 31), name="Dark screen", label="Dark screen", value="0"),
        ),
        _cell(
            195,
            _w("Slider", (20, 205, 350, 31), name="Brightness", label="Brightness", value="40%"),
        ),
        _w("Cell", (0, 900, 390, 52), name="Printer", label="Printer", visible="false"),
    )
    choice = _w(
        "SegmentedControl",
        (20, 260, 350, 32),
        _w("Button", (20, 260, 175, 32), name="Device", label="Device", value="1"),
        _w("Button", (195, 260, 175, 32), name="Account", label="Account"),
    )
    tabs = _w(
        "TabBar",
        (0, 761, 390, 83),
        _w("Button", (2, 762, 126, 48), name="Parcels", label="Parcels"),
        _w("Button", (132, 762, 126, 48), name="Settings", label="Settings", value="1"),
        name="Tab Bar",
        label="Tab Bar",
    )
    return application(bar, table, choice, tabs)
