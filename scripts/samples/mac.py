"""Appium page sources of macOS (Mac2 driver): names are in `title`, ids in `identifier`."""

from __future__ import annotations

from scripts.samples.markup import Box, Element, render

_TEXTS = ("identifier", "value", "label", "title")


def _w(kind: str, box: Box, *children: Element, **given: str) -> Element:
    return Element(f"XCUIElementType{kind}", given, box, children)


def _tag(element: Element, _index: int) -> tuple[str, dict[str, str]]:
    given = dict(element.given)
    texts = {key: given.pop(key, "") for key in _TEXTS}
    if not texts["value"]:
        del texts["value"]  # the driver leaves it out where there is none
    x, y, width, height = element.box
    place = {"x": x, "y": y, "width": width, "height": height}
    return element.kind, {
        "elementType": str(sum(element.kind.encode()) % 80),
        **texts,
        "enabled": "true",
        "selected": "false",
        **given,
        **{key: str(value) for key, value in place.items()},
    }


def page_source(screen: Element) -> bytes:
    """As the driver prints it: indented, the application as its root."""
    body = render(screen, _tag, indent="  ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()


def settings(
    *, button: str = "Print", item: str = "Check in", every: str = "day", sounds: str = "1"
) -> Element:
    """A window with a button, a choice and a box, under the menu bar."""
    menu = _w(
        "Menu",
        (40, 24, 200, 44),
        _w("MenuItem", (40, 24, 200, 22), title=item, identifier="checkIn:"),
        _w("MenuItem", (40, 46, 200, 22), title="Depots", identifier="_NS:17"),
    )
    top = _w("MenuBarItem", (40, 0, 80, 24), menu, title="Parcels")
    radios = [
        _w(
            "RadioButton",
            (120 + 90 * i, 160, 80, 18),
            title=f"Every {unit}",
            value="1" if unit == every else "0",
            selected="true" if unit == every else "false",
        )
        for i, unit in enumerate(("day", "week"))
    ]
    window = _w(
        "Window",
        (100, 100, 600, 400),
        _w("StaticText", (120, 120, 200, 16), value="Reports"),
        *radios,
        _w("CheckBox", (120, 190, 120, 18), title="Sounds", value=sounds),
        _w(
            "TextField",
            (120, 220, 200, 22),
            identifier="search",
            label="Search",
            value="Number or name",
            placeholderValue="Number or name",
        ),
        _w("Button", (120, 260, 80, 22), title=button, identifier="print"),
        identifier="main",
        title="Parcel Desk",
    )
    bar = _w("MenuBar", (0, 0, 1440, 24), top)
    return _w("Application", (0, 0, 0, 0), bar, window, title="Parcel Desk")
