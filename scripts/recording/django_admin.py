"""A stock-keeping site made of Django's admin (PyPI, BSD-3-Clause) and own models and rows."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from scripts.recording.browser import open_browser
from scripts.recording.packages import pypi_environment
from scripts.recording.scenes import Shot, Take, shoot_all

APP = "stock-admin"
PACKAGE = "django"
LICENCE = "BSD-3-Clause"
VERSIONS = ("4.2.16", "5.2.1")

_HOST = "stock.parcels.test"
_SITE = Path(__file__).with_name("stock_site.py")
_START_SECONDS = 30.0


def takes(version: str, workdir: Path) -> Iterator[Take]:
    """Every screen of one release.

    Raises:
        subprocess.CalledProcessError: the package cannot be fetched.
        TimeoutError: the site did not start.
        playwright.sync_api.Error: a screen did not come.
    """
    python = pypi_environment(f"{PACKAGE}=={version}", workdir)
    with _running(python, workdir / "stock.db") as port, open_browser({_HOST: port}) as browser:
        yield from shoot_all(browser, _HOST, _shots())


@contextmanager
def _running(python: Path, database: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    command = [str(python), str(_SITE), str(port), str(database)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    try:
        _await(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _await(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"the site did not start within {_START_SECONDS} s")


def _shots() -> list[Shot]:
    item = "/auth/item/"
    return [
        Shot("1-login", "first step of the flow login > index > list > form", "/login/", "form"),
        Shot("1-login-error", "a wrong password", "/login/", "form", _enter("wrong", ".errornote")),
        _inside("2-index", "what there is to keep", "/", "#content-main"),
        _inside("3-list", "ten items, with search and filters", item, "#result_list"),
        _inside("3-list-reload", "the same page after a reload", item, "#result_list", _reload),
        _inside("3-list-filtered", "two of the ten", f"{item}?fragile__exact=1", "#result_list"),
        _inside("4-form", "one item", f"{item}4/change/", "#item_form"),
        _inside("4-form-other", "another item, the same form", f"{item}7/change/", "#item_form"),
        _inside("4-form-error", "saved with fields missing", f"{item}add/", "#item_form", _save),
    ]


def _inside(
    state: str, note: str, path: str, ready: str, then: Callable[[Page], None] | None = None
) -> Shot:
    def act(page: Page) -> None:
        _enter("keeper", "#user-tools")(page)
        page.goto(f"http://{_HOST}{path}")
        page.locator(ready).wait_for()
        if then:
            then(page)

    return Shot(state, note, "/login/", "#id_username", act)


def _enter(password: str, then: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.locator("#id_username").fill("keeper")
        page.locator("#id_password").fill(password)
        page.get_by_role("button", name="Log in").click()
        page.locator(then).wait_for()

    return act


def _reload(page: Page) -> None:
    page.reload()
    page.locator("#result_list").wait_for()


def _save(page: Page) -> None:
    page.locator("input[name=_save]").first.click()
    page.locator(".errornote").wait_for()
