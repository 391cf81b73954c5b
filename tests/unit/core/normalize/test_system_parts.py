"""What is around an application's screen: the system's bars, scroll bars; and shells without it."""

from __future__ import annotations

import pytest

from scripts.samples import android, ios
from scripts.samples.markup import Element
from systemzero_core.completeness import Reason, assess
from systemzero_core.formats import parse
from systemzero_core.normalize import Filter, FilterSet, explain, normalize
from systemzero_core.signature import sign
from systemzero_core.tree import Tree


def normal(data: bytes) -> Tree:
    return normalize(parse(data).tree)


def removed(data: bytes) -> set[tuple[Filter, str]]:
    """What each filter took out, by the role it had, subtrees by their roots."""
    found = explain(parse(data).tree).removed
    bars = (Filter.SYSTEM_BAR, Filter.SCROLLBAR)
    return {(gone.filter, gone.role) for gone in found if gone.filter in bars}


def reasons(data: bytes) -> list[Reason]:
    parsed = parse(data)
    return [why.reason for why in assess(parsed.tree, parsed.gaps)]


@pytest.mark.parametrize("write", [android.windows, android.stacked])
def test_a_clock_and_a_battery_are_no_part_of_an_androids_screen(write: object) -> None:
    assert callable(write)
    early = write(android.status_bar("09:41", "80 %"), android.settings())
    late = write(android.status_bar("10:02", "75 %"), android.settings())
    assert sign(normal(early)).full == sign(normal(late)).full
    assert removed(early) == {(Filter.SYSTEM_BAR, "status")}
    kept = normalize(parse(early).tree, FilterSet().without("system-bar"))
    assert "09:41" in {node.name for node in kept.nodes}


def test_a_navigation_bar_of_another_program_is_known_by_its_shape() -> None:
    buttons = [Element("android.widget.ImageView", {"desc": "Back"}, (0, 2150, 90, 130))]
    given = {"package": "com.android.launcher3"}
    low = Element("android.widget.FrameLayout", given, (0, 2150, 1080, 130), tuple(buttons))
    plain = android.stacked(android.settings())
    barred = android.stacked(android.settings(), low)
    assert sign(normal(plain)).full == sign(normal(barred)).full
    tall = low._replace(box=(0, 500, 1080, 1200))
    assert "Back" in {node.name for node in normal(android.stacked(android.login(), tall)).nodes}


def test_the_systems_own_screen_is_a_screen_of_its_own() -> None:
    shade = android.stacked(android.shade("Torch", "Aeroplane mode"))
    assert [node.name for node in normal(shade).nodes[1:]] == ["Torch", "Aeroplane mode"]
    assert reasons(shade) == []


def test_a_status_bar_without_an_application_is_no_screen() -> None:
    assert reasons(android.stacked(android.status_bar("09:41", "80 %"))) == [Reason.NO_CONTENT]
    empty = Element("android.widget.FrameLayout", {}, (0, 0, 1080, 2280))
    for write in (android.stacked, android.windows):
        assert reasons(write(android.status_bar("09:41", "80 %"), empty)) == [Reason.NO_CONTENT]


def scrolled(name: str, value: str, *, kind: str = "Other", parent: str = "ScrollView") -> bytes:
    """An iOS screen whose text lies in something that scrolls."""
    text = ios.element("StaticText", (20, 120, 200, 21), name="Sounds", label="Sounds")
    bars = [
        ios.element(kind, (342, 246, 30, 560), name=name, label=name, value=value),
        ios.element(kind, (0, 780, 375, 31), name="横スクロールバー、1ページ", value="0%"),
    ]
    box = (0, 100, 375, 712)
    return ios.page_source(ios.application(ios.element(parent, box, text, *bars)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("Vertical scroll bar, 1 page", "0%"), ("Vertical scroll bar, 2 pages", "13%")),
        (("Vertikale Bildlaufleiste, 3 Seiten", "0 %"), ("Vertikale Leiste, 3 Seiten", "100 %")),
        (("縦スクロールバー、2ページ", "0%"), ("縦スクロールバー、2ページ", "50%")),
        (("شريط التمرير، ٢ صفحة", "٪٠"), ("شريط التمرير، ٢ صفحة", "٪٥٠")),
    ],
)
@pytest.mark.parametrize("parent", ["ScrollView", "Table", "CollectionView", "WebView"])
def test_scrolling_an_iphone_is_no_change_in_any_language(
    before: tuple[str, str], after: tuple[str, str], parent: str
) -> None:
    first, second = scrolled(*before, parent=parent), scrolled(*after, parent=parent)
    assert sign(normal(first)).full == sign(normal(second)).full
    assert removed(first) == {(Filter.SCROLLBAR, "scrollbar")}


def test_a_bar_that_is_content_stays() -> None:
    gauge = ios.element("Other", (20, 150, 300, 20), name="3 of 5 GB used", value="60%")
    text = ios.element("StaticText", (20, 120, 200, 21), name="Sounds", label="Sounds")
    box = (0, 100, 375, 712)
    within = ios.element("ScrollView", box, gauge, text)  # not last: not where scroll bars are
    alone = ios.element("Other", box, text, gauge)  # in what does not scroll
    wide = gauge._replace(box=(20, 150, 300, 200))
    for screen in (within, alone, ios.element("ScrollView", box, text, wide)):
        found = normal(ios.page_source(ios.application(screen)))
        assert "3 of 5 GB used" in {node.name for node in found.nodes}


def test_a_page_indicator_and_a_status_window_are_no_part_of_an_iphones_screen() -> None:
    def screen(page: str, clock: str) -> bytes:
        dots = ios.element("PageIndicator", (100, 760, 175, 26), value=f"page {page} of 3")
        text = ios.element("StaticText", (20, 120, 200, 21), name="Sounds", label="Sounds")
        time = ios.element("Other", (20, 0, 60, 20), name=clock, label=clock)
        bar = ios.element("Window", (0, 0, 390, 20), time)
        return ios.page_source(ios.application(text, dots, beside=(bar,)))

    first, second = screen("1", "09:41"), screen("2", "10:02")
    assert sign(normal(first)).full == sign(normal(second)).full
    assert removed(first) == {(Filter.SCROLLBAR, "scrollbar"), (Filter.SYSTEM_BAR, "status")}


def test_the_task_bar_is_no_part_of_a_windows_program() -> None:
    data = (
        '<Pane AutomationId="" ClassName="#32769" Name="Desktop"><Window Name="Desk">'
        '<Button Name="Pay"/></Window><Pane ClassName="Shell_TrayWnd"><Button Name="{}"/></Pane>'
        "</Pane>"
    )
    found = [normal(data.format(clock).encode()) for clock in ("09:41", "10:02")]
    assert sign(found[0]).full == sign(found[1]).full
    assert removed(data.format("09:41").encode()) == {(Filter.SYSTEM_BAR, "status")}


@pytest.mark.parametrize(
    "bar",
    ['ScrollBar Name="Vertical"', 'Pane ClassName="QScrollBar" Name="Vertical"',
     'Custom ClassName="WindowsForms10.SCROLLBAR.app.0.1a_r3_ad1" Name="Vertical"'],
)  # fmt: skip
def test_a_scroll_bar_of_windows_is_one_under_any_role(bar: str) -> None:
    data = (
        f'<Window AutomationId="" Name="Desk"><Text Name="Pay"/><{bar} Value="{{}}"><Button '
        f'Name="Line up"/></{bar.split()[0]}></Window>'
    )
    first, second = (normal(data.format(value).encode()) for value in ("0", "40"))
    assert sign(first).full == sign(second).full
    assert [node.name for node in first.nodes] == ["Desk", "Pay"]


TITLE_BAR = '<TitleBar Name="Desk"><Button Name="Close"/><Button Name="Minimize"/></TitleBar>'
FRAME = '<node class="android.widget.FrameLayout" bounds="[0,0][1080,2280]">{}</node>'
TOOLS = (
    '<node class="android.widget.ImageButton" content-desc="Navigate up" clickable="true" '
    'bounds="[0,0][150,150]"/><node class="android.widget.TextView" text="Terms" '
    'bounds="[150,0][900,150]"/>'
)
WEB = '<node class="android.webkit.WebView" text="{}" bounds="[0,150][1080,2280]">{}</node>'
APPLICATION = (
    '<XCUIElementTypeApplication label="Desk" x="0" y="0" width="390" height="844">'
    '<XCUIElementTypeWindow x="0" y="0" width="390" height="844">{}</XCUIElementTypeWindow>'
    "</XCUIElementTypeApplication>"
)
IOS_WEB = '<XCUIElementTypeWebView x="0" y="80" width="390" height="760"/>'
IOS_BACK = '<XCUIElementTypeButton label="Done" x="0" y="40" width="60" height="40"/>'


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("<hierarchy/>", [Reason.NO_CONTENT]),
        ("<displays><display id='0'/></displays>", [Reason.NO_CONTENT]),
        (f"<hierarchy>{FRAME.format('')}</hierarchy>", [Reason.NO_CONTENT]),
        (f"<hierarchy>{FRAME.format(FRAME.format(''))}</hierarchy>", [Reason.NO_CONTENT]),
        (APPLICATION.format(""), [Reason.NO_CONTENT]),
        (APPLICATION.format('<XCUIElementTypeOther x="0" y="0"/>'), [Reason.NO_CONTENT]),
        (f'<Window Name="Desk" AutomationId="">{TITLE_BAR}<Pane/></Window>', [Reason.NO_CONTENT]),
        (f"<hierarchy>{FRAME.format(TOOLS + WEB.format('', ''))}</hierarchy>",
         [Reason.MISSING_FRAME]),
        ((f"<hierarchy>{FRAME.format(TOOLS + WEB.format('Terms', WEB.format('Terms', '')))}"
         "</hierarchy>"), [Reason.MISSING_FRAME]),
        (APPLICATION.format(IOS_BACK + IOS_WEB), [Reason.MISSING_FRAME]),
        (f"<hierarchy>{FRAME.format(WEB.format('', ''))}</hierarchy>",
         [Reason.MISSING_FRAME, Reason.NO_CONTENT]),
        (('<hierarchy><node class="android.widget.ImageView" package="test.parcels.desk"/>'
         '<node class="android.widget.TextView" text="Parcels" package="test.parcels.desk"/>'
         "</hierarchy>"), [Reason.SPLASH]),
    ],
)  # fmt: skip
def test_a_shell_without_content_is_no_screen(data: str, expected: list[Reason]) -> None:
    assert reasons(data.encode()) == expected


@pytest.mark.parametrize(
    "data",
    [
        f'<Window Name="Desk" AutomationId="">{TITLE_BAR}<Text Name="No parcels"/></Window>',
        f"<hierarchy>{FRAME.format(TOOLS + WEB.format('', FRAME.format(TOOLS)))}</hierarchy>",
        (
            f"<hierarchy>{FRAME.format(TOOLS)}"
            '<node class="android.webkit.WebView" bounds="[0,2100][1080,2280]"/></hierarchy>'
        ),
        APPLICATION.format(IOS_BACK),
        (
            '<hierarchy><node class="android.widget.ImageView"/>'
            '<node class="android.widget.TextView" text="Closed today"/></hierarchy>'
        ),
    ],
)
def test_a_screen_with_little_on_it_is_a_screen(data: str) -> None:
    assert reasons(data.encode()) == []


def test_many_windows_and_bars_take_linear_time() -> None:
    count = 20_000
    bar = '<node class="a.FrameLayout" package="com.android.systemui" bounds="[0,0][99,9]"/>'
    app = '<node class="a.TextView" package="test.parcels" text="a" bounds="[0,0][99,99]"/>'
    found = normal(f"<hierarchy>{bar * count}{app}</hierarchy>".encode())
    assert len(found) == 2
    scroll = (
        '<XCUIElementTypeOther name="b, 2" value="1%" x="9" y="0" width="1" height="9"/>' * count
    )
    box = "x='0' y='0' width='10' height='10'"
    data = f"<XCUIElementTypeScrollView label='a' {box}>{scroll}</XCUIElementTypeScrollView>"
    assert len(normal(data.encode())) == 1
    off = '<Pane IsOffscreen="True">' * count + "</Pane>" * count
    assert len(normal(f'<Window AutomationId="">{off}</Window>'.encode())) == 1
