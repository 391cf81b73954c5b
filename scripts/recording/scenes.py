"""What is recorded, in which order: an application's release and its screens."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playwright.sync_api import Browser, Page

from scripts.recording.browser import NOW, Recording, open_page, record


@dataclass(frozen=True)
class Take:
    """One recorded screen.

    Attributes:
        state: the screen's name in file names; `1-`, `2-` … number the steps of a flow.
        note: what is special about it, in one phrase.
        recording: what was read.
    """

    state: str
    note: str
    recording: Recording


@dataclass(frozen=True)
class Shot:
    """How to reach one screen in a fresh page.

    Attributes:
        state: see `Take`.
        note: see `Take`.
        path: where to go first.
        ready: selector of something that is visible once the screen is there.
        act: clicks and keys after that, if any.
        now: what time it is there.
    """

    state: str
    note: str
    path: str
    ready: str
    act: Callable[[Page], None] | None = None
    now: datetime.datetime = NOW


def shoot(browser: Browser, host: str, shot: Shot) -> Take:
    """Take one shot in a page of its own.

    Raises:
        playwright.sync_api.Error: the screen did not come.
    """
    with open_page(browser, [host], now=shot.now) as page:
        page.goto(f"http://{host}{shot.path}", wait_until="commit")
        page.locator(shot.ready).first.wait_for()
        if shot.act:
            shot.act(page)
        return Take(shot.state, shot.note, record(page))


def shoot_all(browser: Browser, host: str, shots: list[Shot]) -> Iterator[Take]:
    """Take each shot, in order."""
    for shot in shots:
        yield shoot(browser, host, shot)
