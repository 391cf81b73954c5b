"""A console made of swagger-ui-dist (npm, Apache-2.0) and this project's own API description."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from scripts.recording.browser import NOW, open_browser
from scripts.recording.packages import npm_package
from scripts.recording.scenes import Shot, Take, shoot, shoot_all
from scripts.recording.server import Site, serve

APP = "parcel-console"
PACKAGE = "swagger-ui-dist"
LICENCE = "Apache-2.0"
OLD, NEW = "4.15.5", "5.31.0"
VERSIONS = (OLD, NEW)

_HOST = "console.parcels.test"
_PAGES = Path(__file__).parent / "pages"
_READY = ".opblock-tag-section .opblock"
_LATER = NOW + datetime.timedelta(hours=3, minutes=17)
_LOADING = ".loading-container"


def takes(version: str, workdir: Path) -> Iterator[Take]:
    """Every screen of one release.

    Raises:
        subprocess.CalledProcessError: the package cannot be fetched.
        playwright.sync_api.Error: a screen did not come.
    """
    package = npm_package(PACKAGE, version, workdir)
    with serve({"/ui/": package}, _pages()) as site, open_browser({_HOST: site.port}) as browser:
        yield from shoot_all(browser, _HOST, _flow())
        if version == OLD:
            yield from shoot_all(browser, _HOST, _more())
            for take in _unfinished(site):
                yield shoot(browser, _HOST, take)
            _let_live_data_change(site)
            yield shoot(browser, _HOST, _console("1-console-later", "other live figures"))


def _pages() -> dict[str, str]:
    pages = {f"/{name}": _text(f"{name}.html") for name in ("console", "explorer", "open")}
    pages |= {"/portal": _text("portal.html"), "/payment": _text("payment.html")}
    return pages | {"/openapi.json": _description("1,204", "2 h 10 min")}


def _text(name: str) -> str:
    return (_PAGES / name).read_text(encoding="utf-8")


def _description(in_house: str, waited: str) -> str:
    text = _text("parcels.openapi.json")
    return text.replace("{in_house}", in_house).replace("{waited}", waited)


def _let_live_data_change(site: Site) -> None:
    site.pages["/openapi.json"] = _description("1,187", "3 h 25 min")


def _console(state: str, note: str) -> Shot:
    return Shot(state, note, "/console", _READY)


def _flow() -> list[Shot]:
    operation = ("/console", _READY, _open_operation)
    return [
        _console("1-console", "first step of the flow console > operation > try > authorize"),
        Shot("1-console-reload", "the same page after a reload", "/console", _READY, _reload),
        Shot("2-operation", "one operation opened", *operation),
        Shot("2-operation-later", "another time in its example", *operation, now=_LATER),
        Shot("3-try", "its form opened", "/console", _READY, _try_operation),
        Shot("4-authorize", "a modal dialog over the console", "/console", _READY, _authorize),
    ]


def _more() -> list[Shot]:
    return [
        _console("1-console-again", "the same screen in a fresh browser profile"),
        Shot("open", "every operation and schema open: a large tree", "/open", _READY),
        Shot("explorer", "the same API in the layout with a top bar", "/explorer", _READY),
        Shot("portal", "a page with a frame, which is recorded too", "/portal", "iframe", _pay),
    ]


def _unfinished(site: Site) -> Iterator[Shot]:
    site.held.add("/openapi.json")
    yield Shot("1-console-loading", "the API description is on its way", "/console", _LOADING)
    yield Shot("explorer-loading", "the same in the layout with a top bar", "/explorer", _LOADING)
    site.held = {"/payment"}
    yield Shot("portal-waiting", "the frame's document is on its way", "/portal", "iframe")
    site.held = set()


def _reload(page: Page) -> None:
    page.reload(wait_until="commit")
    page.locator(_READY).first.wait_for()


def _open_operation(page: Page) -> None:
    page.locator("#operations-Parcels-announce_parcel .opblock-summary").click()
    page.locator("#operations-Parcels-announce_parcel .try-out__btn").wait_for()


def _try_operation(page: Page) -> None:
    _open_operation(page)
    page.locator("#operations-Parcels-announce_parcel .try-out__btn").click()
    page.locator("#operations-Parcels-announce_parcel textarea").first.wait_for()


def _authorize(page: Page) -> None:
    page.locator(".auth-wrapper .btn.authorize").first.click()
    page.locator(".dialog-ux .modal-ux").wait_for()


def _pay(page: Page) -> None:
    page.frame_locator("iframe").get_by_role("button", name="Pay now").wait_for()
