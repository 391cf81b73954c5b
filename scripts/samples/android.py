"""uiautomator page sources, in both dialects: `<node class=…>` and the class as tag."""

from __future__ import annotations

from scripts.samples.markup import Box, Element, render

_PACKAGE = "test.parcels.desk"
_SYSTEM_UI = "com.android.systemui"
_OFF = ("checkable", "checked", "clickable", "focusable", "focused", "scrollable")
_MORE_OFF = ("long-clickable", "password", "selected")


def _w(kind: str, box: Box, *children: Element, **given: str) -> Element:
    """A widget; `id` is a resource id's last part, `on` lists the flags that are true."""
    name = kind if "." in kind else f"android.widget.{kind}"
    return Element(name, given, box, children)


def _attributes(element: Element, index: int) -> dict[str, str]:
    given, (x, y, width, height) = element.given, element.box
    on = given.get("on", "").split()
    flags = {name: "true" if name in on else "false" for name in (*_OFF, *_MORE_OFF)}
    flags |= {"enabled": "false" if "disabled" in on else "true"}
    resource = given.get("id", "")
    if resource and ":" not in resource:
        resource = f"{_PACKAGE}:id/{resource}"
    return {
        "index": str(index),
        "text": given.get("text", ""),
        "resource-id": resource,
        "class": element.kind,
        "package": given.get("package", _PACKAGE),
        "content-desc": given.get("desc", ""),
        **flags,
        "bounds": f"[{x},{y}][{x + width},{y + height}]",
    }


def uiautomator(screen: Element) -> bytes:
    """As `uiautomator dump` writes it: one line, every element a `node`."""
    head = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"
    body = render(screen, lambda element, index: ("node", _attributes(element, index)))
    return f'{head}<hierarchy rotation="0">{body}</hierarchy>'.encode()


def appium(screen: Element) -> bytes:
    """As Appium's page source: indented, the class as tag, `displayed` beside the rest."""

    def tag(element: Element, index: int) -> tuple[str, dict[str, str]]:
        return element.kind, {**_attributes(element, index), "displayed": "true"}

    head = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n"
    body = render(screen, tag, indent="  ")
    return (
        f'{head}<hierarchy index="0" class="hierarchy" rotation="0" width="1080" height="2280">\n'
        f"{body}</hierarchy>\n"
    ).encode()


def windows(*screens: Element) -> bytes:
    """As `uiautomator dump --windows` writes it: each screen in a window of one display."""
    inner = "".join(
        f'<window index="{i}" title="" bounds="[0,0][1080,2280]" active="{str(not i).lower()}" '
        f'focused="false" id="{900 + i}" layer="{i}" type="TYPE_APPLICATION">'
        f'<hierarchy rotation="0">{_node_of(screen)}</hierarchy></window>'
        for i, screen in enumerate(screens)
    )
    head = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"
    return f'{head}<displays><display id="0">{inner}</display></displays>'.encode()


def stacked(*screens: Element) -> bytes:
    """Several windows under one `hierarchy`, as other dumpers write them."""
    body = "".join(map(_node_of, screens))
    return f'<hierarchy rotation="0">{body}</hierarchy>'.encode()


def _node_of(screen: Element) -> str:
    return render(screen, lambda element, index: ("node", _attributes(element, index)))


def status_bar(clock: str, battery: str) -> Element:
    """The system's own window on top, with a clock and the battery."""
    parts = [
        _w("TextView", (40, 0, 120, 66), text=clock, package=_SYSTEM_UI),
        _w("ImageView", (960, 0, 80, 66), desc=f"Battery {battery}", package=_SYSTEM_UI),
    ]
    return _w("FrameLayout", (0, 0, 1080, 66), *parts, package=_SYSTEM_UI)


def shade(*quick: str) -> Element:
    """The system's own screen, pulled down over everything: buttons that are named `quick`."""
    tiles = [
        _w("Button", (0, 200 * i, 500, 180), text=name, package=_SYSTEM_UI)
        for i, name in enumerate(quick)
    ]
    return _w("FrameLayout", (0, 0, 1080, 2280), *tiles, package=_SYSTEM_UI)


def _window(*content: Element) -> Element:
    inner = _w("FrameLayout", (0, 84, 1080, 2196), *content, id="android:id/content")
    return _w("FrameLayout", (0, 0, 1080, 2280), _w("LinearLayout", (0, 0, 1080, 2280), inner))


def login() -> Element:
    """A form with a field filled in, a password, a box and a button that is off."""
    push = "clickable focusable"
    return _window(
        _w(
            "ScrollView",
            (0, 84, 1080, 2196),
            _w("ImageView", (420, 180, 240, 240), desc="Parcel Desk", id="logo"),
            _w("TextView", (60, 460, 960, 96), text="Sign in", id="title"),
            _w("TextView", (60, 600, 960, 48), text="E-mail", id="label"),
            _w(
                "EditText",
                (60, 650, 960, 120),
                text="keeper@parcels.test",
                id="email",
                on=push + " focused long-clickable",
            ),
            _w("TextView", (60, 800, 960, 48), text="Password", id="label"),
            _w(
                "EditText",
                (60, 850, 960, 120),
                text="••••••",
                id="password",
                on=push + " password long-clickable",
            ),
            _w(
                "CheckBox",
                (60, 1000, 960, 96),
                text="Stay signed in",
                id="stay",
                on=push + " checkable checked",
            ),
            _w("Button", (60, 1140, 960, 132), text="SIGN IN", id="go", on=push + " disabled"),
            _w("TextView", (60, 1300, 960, 60), text="Forgot your password?", on=push),
            id="scroll",
            on="scrollable",
        )
    )


def _row(top: int, title: str, below: str, *, on: str | None = None) -> Element:
    parts = [
        _w("TextView", (48, top + 24, 700, 60), text=title, id="android:id/title"),
        _w("TextView", (48, top + 88, 700, 48), text=below, id="android:id/summary"),
    ]
    if on is not None:
        flags = f"checkable clickable {on}"
        parts.append(
            _w("Switch", (900, top + 36, 132, 84), text=on and "ON", id="toggle", on=flags)
        )
    return _w("LinearLayout", (0, top, 1080, 156), *parts, on="clickable focusable")


def settings() -> Element:
    """A list whose rows share ids, with two switches, a slider and a tab that is selected."""
    push = "clickable focusable"
    tabs = [
        _w("TextView", (540 * i, 252, 540, 120), text=text, on=f"{push} {'' if i else 'selected'}")
        for i, text in enumerate(("Device", "Account"))
    ]
    rows = (
        _row(372, "Sounds", "When a parcel is scanned", on="checked"),
        _row(528, "Dark screen", "At night", on=""),
        _row(684, "Depot", "LEJ"),
        _row(840, "Printer", "Not connected"),
    )
    slider = _w("SeekBar", (48, 1020, 984, 96), desc="Brightness", text="40.0", on="focusable")
    back = _w("ImageButton", (0, 84, 156, 168), desc="Navigate up", on=push)
    title = _w("TextView", (180, 120, 600, 96), text="Settings")
    return _window(
        _w("android.view.ViewGroup", (0, 84, 1080, 168), back, title, id="toolbar"),
        _w("android.widget.TabWidget", (0, 252, 1080, 120), *tabs),
        _w(
            "androidx.recyclerview.widget.RecyclerView",
            (0, 372, 1080, 1908),
            *rows,
            slider,
            id="list",
            on="scrollable",
        ),
    )
