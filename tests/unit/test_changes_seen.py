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
