"""Real changes of a screen that were once taken for noise: `sz diff` tells each, by status 1."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import Sz


@pytest.fixture
def sz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sz:
    return Sz(tmp_path / "home", monkeypatch, capfd)


def status(sz: Sz, folder: Path, before: str, after: str) -> int:
    suffix = ".xml" if before.startswith("<") else ".yml"
    paths = [folder / f"before{suffix}", folder / f"after{suffix}"]
    for path, text in zip(paths, (before, after), strict=True):
        path.write_text(text, encoding="utf-8")
    return sz("diff", *paths).status


LINKS = "".join(f'- link "Article {i}"\n' for i in range(9))
VIEWS = "".join(f'<node class="android.widget.Button" text="Go {i}"/>' for i in range(6))
CONTROLS = "".join(f'<Button Name="Go {i}"/>' for i in range(6))


def aria(line: str) -> str:
    return LINKS + line


def android(*nodes: str) -> str:
    inner = "".join((VIEWS, *nodes))
    return f'<hierarchy><node class="a.b.FrameLayout">{inner}</node></hierarchy>'


def windows(inner: str) -> str:
    return f'<Window AutomationId="" Name="Desk">{CONTROLS}{inner}</Window>'


PROGRESS = '<node class="android.widget.ProgressBar" {}/>'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (aria('- progressbar "Up":\n  - button "Cancel"'),
         aria('- progressbar "Up":\n  - button "Retry"')),
        (aria('- progressbar:\n  - button "Cancel"'), aria('- progressbar:\n  - button "Retry"')),
        (aria('- progressbar "Uploading cat.jpg"'),
         aria('- progressbar "Upload failed, tap to retry"')),
        (android(PROGRESS.format('text="40.0"')), android(PROGRESS.format('text="90.0"'))),
        (android(PROGRESS.format('content-desc="Upload 40%"')),
         android(PROGRESS.format('content-desc="Upload failed"'))),
        (android(PROGRESS.format('state-description="40 of 90"')),
         android(PROGRESS.format('state-description="Failed"'))),
        (windows('<ProgressBar Name="Copying 3%"/>'),
         windows('<ProgressBar Name="Copying failed"/>')),
        (windows('<ProgressBar HelpText="3%"/>'), windows('<ProgressBar HelpText="failed"/>')),
        ('- progressbar "Uploading cat.jpg"', '- progressbar "Upload failed, tap to retry"'),
        (aria('- progressbar "Loading"'), aria('- progressbar "Loading failed"')),
        (aria('- progressbar:\n  - group:\n    - text: 4 of 9'),
         aria('- progressbar:\n  - group:\n    - text: 5 of 9')),
    ],
)  # fmt: skip
def test_what_a_progress_bar_says_or_holds(sz: Sz, tmp_path: Path, before: str, after: str) -> None:
    assert status(sz, tmp_path, before, after) == 1


@pytest.mark.parametrize(
    "name", ["", ' "Loading"', ' "Busy"', ' "In progress…"', ":\n  - text: Loading"]
)
def test_a_spinner_that_leaves_a_screen_is_no_change(sz: Sz, tmp_path: Path, name: str) -> None:
    assert status(sz, tmp_path, aria(f"- progressbar{name}\n"), aria("")) == 0
    alone = f"- progressbar{name}\n"
    assert status(sz, tmp_path, alone, alone) == 3


WINDOW = '<node package="{}" class="android.widget.FrameLayout" bounds="{}">{}</node>'
APP = (
    '<node package="test.parcels" class="android.widget.FrameLayout" bounds="[0,0][1080,2400]">'
    f"{VIEWS}</node>"
)


def over(
    *texts: str, bounds: str = "[0,1400][1080,2400]", package: str = "com.android.systemui"
) -> str:
    inner = "".join(
        f'<node class="android.widget.Button" package="{package}" text="{text}"/>' for text in texts
    )
    return f'<hierarchy rotation="0">{APP}{WINDOW.format(package, bounds, inner)}</hierarchy>'


ALONE = f'<hierarchy rotation="0">{APP}</hierarchy>'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ALONE, over("Use PIN")),
        (ALONE, over("Power off", bounds="[0,0][1080,2400]")),
        (ALONE, over("Media volume", bounds="[900,700][1080,1700]")),
        (over("Start recording?", "Cancel"), over("Start recording?", "Start now")),
        (ALONE, over("Screenshot saved", bounds="[100,1800][980,1920]")),
    ],
)
def test_a_window_of_the_system_over_the_application(
    sz: Sz, tmp_path: Path, before: str, after: str
) -> None:
    assert status(sz, tmp_path, before, after) == 1


GMS = "com.google.android.gms"
BANNER = "com.whatsapp"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (over("Accept all", bounds="[0,2250][1080,2400]", package=GMS),
         over("Reject", bounds="[0,2250][1080,2400]", package=GMS)),
        (ALONE, over("Anna: hi", bounds="[0,0][1080,150]", package=BANNER)),
    ],
)  # fmt: skip
def test_a_thin_window_of_another_program(sz: Sz, tmp_path: Path, before: str, after: str) -> None:
    assert status(sz, tmp_path, before, after) == 1


def ios(inner: str, *, beside: str = "") -> str:
    buttons = "".join(
        f'<XCUIElementTypeButton label="Go {i}" x="0" y="{40 * i}" width="60" height="40"/>'
        for i in range(6)
    )
    box = 'x="0" y="0" width="390" height="844"'
    return (
        f'<XCUIElementTypeApplication label="Desk" {box}><XCUIElementTypeWindow {box}>{buttons}'
        f"{inner}</XCUIElementTypeWindow>{beside}</XCUIElementTypeApplication>"
    )


def scroller(label: str, value: str, box: str, kind: str = "ScrollView") -> str:
    x, y, width, height = box.split()
    return ios(
        f'<XCUIElementType{kind} x="0" y="100" width="390" height="600">'
        '<XCUIElementTypeStaticText label="Sounds" x="0" y="100" width="200" height="30"/>'
        f'<XCUIElementTypeOther label="{label}" value="{value}" x="{x}" y="{y}" '
        f'width="{width}" height="{height}"/></XCUIElementType{kind}>'
    )


def toast(text: str) -> str:
    inner = f'<XCUIElementTypeStaticText label="{text}" x="20" y="20" width="200" height="20"/>'
    return ios(
        "",
        beside=f'<XCUIElementTypeWindow x="0" y="0" width="390" height="60">{inner}'
        "</XCUIElementTypeWindow>",
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (scroller("4 reviews", "80%", "20 300 120 24"),
         scroller("9 reviews", "20%", "20 300 120 24")),
        (scroller("3 of 10 lessons", "30%", "0 690 390 10"),
         scroller("4 of 10 lessons", "40%", "0 690 390 10")),
        (scroller("Step 2 of 5", "40%", "0 100 390 20"),
         scroller("Step 3 of 5", "60%", "0 100 390 20")),
        (scroller("5 GB storage used", "80%", "20 640 350 40", "Table"),
         scroller("6 GB storage used", "90%", "20 640 350 40", "Table")),
        (toast("Saved"), toast("Payment failed")),
        (toast("Saved at 10:30"), toast("Payment failed at 10:30")),
    ],
)  # fmt: skip
def test_what_looks_like_a_bar_of_an_iphone(
    sz: Sz, tmp_path: Path, before: str, after: str
) -> None:
    assert status(sz, tmp_path, before, after) == 1


def mac(given: str) -> str:
    return ios(f'<XCUIElementTypeButton {given} x="0" y="400" width="60" height="40"/>')


def seen(word: str) -> str:
    return android(f'<node class="android.widget.Button" text="Pay" visibility="{word}"/>')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (mac('label="close dialog" title="Cancel"'), mac('label="close dialog" title="Discard"')),
        *((seen("0"), seen(word)) for word in ("8", "4", "View.GONE", "0x8", "false", "G", "I")),
        *(
            (seen("visible"), seen(word))
            for word in ("INVISIBLE", "0x4", "View.INVISIBLE", "veiled")
        ),
    ],
)
def test_what_an_attribute_says(sz: Sz, tmp_path: Path, before: str, after: str) -> None:
    assert status(sz, tmp_path, before, after) == 1


@pytest.mark.parametrize("word", ["0", "0x0", "V", "View.VISIBLE", "VISIBLE", "visible", "true"])
def test_any_word_for_visible_is_the_same(sz: Sz, tmp_path: Path, word: str) -> None:
    assert status(sz, tmp_path, seen("visible"), seen(word)) == 0


def listed(off: str, kind: str = "List", item: str = "ListItem", y: int = 10) -> str:
    return windows(
        f'<{kind} Name="Log" x="0" y="0" width="300" height="300">'
        f'<{item} Name="Err" x="10" y="{y}" width="50" height="10" IsOffscreen="{off}"/></{kind}>'
    )


@pytest.mark.parametrize(("kind", "item"), [("List", "ListItem"), ("Document", "Button")])
def test_a_control_that_goes_off_the_screen_where_it_stands(
    sz: Sz, tmp_path: Path, kind: str, item: str
) -> None:
    assert status(sz, tmp_path, listed("False", kind, item), listed("True", kind, item)) == 1
    beyond = (listed("False", kind, item, y=400), listed("True", kind, item, y=400))
    assert status(sz, tmp_path, *beyond) == 0


def test_what_is_scrolled_away_stays_with_all_in_it(sz: Sz, tmp_path: Path) -> None:
    def screen(off: str) -> str:
        return windows(
            '<List Name="Log" x="0" y="0" width="300" height="300">'
            '<Group x="0" y="0" width="300" height="900">'
            f'<ListItem Name="Err" x="0" y="600" width="300" height="20" IsOffscreen="{off}">'
            f'<Text Name="twice" x="5" y="602" width="90" height="9" IsOffscreen="{off}"/>'
            "</ListItem></Group></List>"
        )

    assert status(sz, tmp_path, screen("False"), screen("True")) == 0


SPINNER = '<XCUIElementTypeActivityIndicator label="In progress" value="1"/>'


def test_a_spinner_of_an_iphone_is_one(sz: Sz, tmp_path: Path) -> None:
    box = 'x="0" y="0" width="390" height="844"'
    alone = f"<XCUIElementTypeApplication {box}>{SPINNER}</XCUIElementTypeApplication>"
    assert status(sz, tmp_path, alone, alone) == 3
    assert status(sz, tmp_path, ios(SPINNER), ios("")) == 0


def spoken(kind: str) -> str:
    return windows(f'<Custom Name="Parcel" LocalizedControlType="{kind}"/>')


def test_what_windows_calls_a_control_of_a_programs_own(sz: Sz, tmp_path: Path) -> None:
    assert status(sz, tmp_path, spoken("card"), spoken("tile")) == 1


def atspi(fields: str) -> str:
    buttons = "".join(f'{{"role": "push button", "name": "Go {i}"}},' for i in range(6))
    slider = f'{{"role": "slider", "name": "Volume", {fields}}}'
    children = f'"children": [{buttons}{slider}]'
    application = f'{{"role": "application", "name": "Desk", {children}}}'
    return f'{{"captured": "now", "applications": [{application}]}}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"value": {"current": 3, "maximum": 9}', '"value": {"current": 4, "maximum": 9}'),
        ('"value": {"current": 3, "maximum": 9}', '"value": {"current": 3, "maximum": 8}'),
        ('"help": "How loud"', '"help": "How quiet"'),
    ],
)
def test_what_a_field_of_at_spi_says(sz: Sz, tmp_path: Path, before: str, after: str) -> None:
    assert status(sz, tmp_path, atspi(before), atspi(after)) == 1
