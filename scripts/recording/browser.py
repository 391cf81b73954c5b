"""One screen in Chromium, read out: accessibility trees, boxes, aria snapshot.

Source: Chrome DevTools Protocol, domains Accessibility, DOMSnapshot and Page.

Invariants:
1. A browser starts with a fresh profile and reaches loopback only; all else is aborted.
2. Host names map to loopback ports, so a screen has the same URLs at every recording.
3. A capture is taken when two looks at the tree in a row agree, never after a fixed time alone.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Route, sync_playwright

from scripts.recording.snapshot import compact

CHROMIUM = "/usr/bin/chromium"
VIEWPORT = (1280, 800)
NOW = datetime.datetime(2026, 11, 22, 9, 30, tzinfo=datetime.UTC)
"""What pages are told the time is, so that clocks and examples do not differ by accident."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-renderer-accessibility",
)
_TODAY_IS = """
globalThis.Date = new Proxy(Date, {
  construct: (date, args, target) => Reflect.construct(date, args.length ? args : [%d], target),
});
"""  # Date.now() still runs: timers and debouncing wait for it
_LOOK_EVERY_MS = 150
_LOOKS = 100


@dataclass(frozen=True)
class Recording:
    """What one screen gave.

    Attributes:
        ax: `Accessibility.getFullAXTree` of the main frame, as JSON.
        frames: the same of each child frame, in the page's frame order.
        snapshot: `DOMSnapshot.captureSnapshot` of all frames, as JSON; not kept in files.
        dom: compact DOM snapshot (see `scripts.recording.snapshot`), as JSON.
        aria: Playwright's aria snapshot (YAML) of the main frame's body.
        meta: url, title, viewport, browser, and counts of nodes.
    """

    ax: bytes
    frames: tuple[bytes, ...]
    snapshot: bytes
    dom: bytes
    aria: str
    meta: dict[str, Any]


@contextmanager
def open_browser(
    hosts: Mapping[str, int] | None = None, *, executable: str = CHROMIUM
) -> Iterator[Browser]:
    """A headless Chromium in which each host name of `hosts` is a port on loopback.

    Raises:
        playwright.sync_api.Error: Chromium is missing or does not start.
    """
    rules = ",".join(f"MAP {host}:80 127.0.0.1:{port}" for host, port in (hosts or {}).items())
    flags = [*FLAGS, f"--host-resolver-rules={rules}"] if rules else list(FLAGS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(
    browser: Browser,
    hosts: Iterable[str] = (),
    *,
    viewport: tuple[int, int] = VIEWPORT,
    now: datetime.datetime = NOW,
) -> Iterator[Page]:
    """A page with no history: own cookies; fixed size, language, time and motion.

    `hosts` are the names that it may reach besides loopback's own.
    """
    context = browser.new_context(
        viewport={"width": viewport[0], "height": viewport[1]},
        locale="en-GB",
        timezone_id="UTC",
        color_scheme="light",
        reduced_motion="reduce",
    )
    try:
        _stay_on_loopback(context, {"127.0.0.1", "localhost", *hosts})
        context.add_init_script(_TODAY_IS % (now.timestamp() * 1000))
        yield context.new_page()
    finally:
        context.close()


def _stay_on_loopback(context: BrowserContext, allowed: set[str]) -> None:
    def decide(route: Route) -> None:
        url = urlsplit(route.request.url)
        if url.scheme == "data" or url.hostname in allowed:
            route.continue_()
        else:
            route.abort()

    context.route("**/*", decide)


def record(page: Page) -> Recording:
    """Read out what `page` shows, once it stands still.

    Raises:
        TimeoutError: the tree went on changing.
        playwright.sync_api.Error: the page closed or crashed.
    """
    session = page.context.new_cdp_session(page)
    for domain in ("Accessibility", "DOM", "DOMSnapshot", "Page"):
        session.send(f"{domain}.enable")
    main, *frames = settle(page, session)
    snapshot = session.send(
        "DOMSnapshot.captureSnapshot", {"computedStyles": [], "includeDOMRects": True}
    )
    nodes = [node for tree in (main, *frames) for node in tree["nodes"]]
    wanted = {node["backendDOMNodeId"] for node in nodes if "backendDOMNodeId" in node}
    aria = page.locator("body").aria_snapshot()
    meta = _meta(page, [main, *frames])
    session.detach()
    return Recording(
        ax=_json(main),
        frames=tuple(map(_json, frames)),
        snapshot=_json(snapshot),
        dom=_json(compact(snapshot, wanted)),
        aria=aria + "\n",
        meta=meta,
    )


def settle(page: Page, session: CDPSession) -> list[dict[str, Any]]:
    """The accessibility trees (main frame first) once two looks in a row agree.

    Raises:
        TimeoutError: they never did.
    """
    before: list[list[Any]] | None = None
    for _ in range(_LOOKS):
        trees = _trees(page, session)
        now = [_gist(tree) for tree in trees]
        if now == before:
            return trees
        before = now
        page.wait_for_timeout(_LOOK_EVERY_MS)
    raise TimeoutError(f"{page.url} went on changing for {_LOOKS * _LOOK_EVERY_MS} ms")


def _gist(tree: dict[str, Any]) -> list[Any]:
    """What must stand still. Not the ids: those of generated content change with each animation."""
    return [
        (n.get("role"), n.get("name", {}).get("value"), len(n.get("childIds", ())))
        for n in tree["nodes"]
    ]


def _trees(page: Page, session: CDPSession) -> list[dict[str, Any]]:
    top = session.send("Page.getFrameTree")["frameTree"]
    trees: list[dict[str, Any]] = [session.send("Accessibility.getFullAXTree")]
    pending = list(top.get("childFrames", ()))
    for frame in pending:
        pending.extend(frame.get("childFrames", ()))
        arguments = {"frameId": frame["frame"]["id"]}
        trees.append(session.send("Accessibility.getFullAXTree", arguments))
    return trees


def _meta(page: Page, trees: list[dict[str, Any]]) -> dict[str, Any]:
    browser = page.context.browser
    nodes = trees[0]["nodes"]
    return {
        "url": page.url,
        "title": page.title(),
        "viewport": list((page.viewport_size or {}).values()),
        "browser": f"Chromium {browser.version if browser else ''}",
        "nodes": len(nodes),
        "ignored": sum(bool(node.get("ignored")) for node in nodes),
        "frames": len(trees) - 1,
    }


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
