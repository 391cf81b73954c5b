"""What a parser is given and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from systemzero_core.tree import Tree


class Format(StrEnum):
    """A format that captures come in."""

    CDP = "cdp"
    """Chrome DevTools Protocol, `Accessibility.getFullAXTree` as JSON."""
    ARIA = "aria"
    """Playwright aria snapshot, a subset of YAML."""
    UIAUTOMATOR = "uiautomator"
    """Android uiautomator dump or Appium UiAutomator2 page source, XML."""
    APPIUM_IOS = "appium-ios"
    """Appium XCUITest page source, XML."""
    APPIUM_WINDOWS = "appium-windows"
    """Appium or WinAppDriver page source, XML."""
    ATSPI = "atspi"
    """AT-SPI tree of Linux programs, as `scripts/capture_atspi.py` writes it, JSON."""
    TREE = "tree"
    """System//Zero's own tree JSON, flat, or in the older nested layout."""


class GapKind(StrEnum):
    """A kind of thing that a capture is known to lack."""

    FRAME = "frame"
    TRUNCATION = "truncation"


class Gap(NamedTuple):
    """One thing that the capture is known to lack; `detail` is for people."""

    kind: GapKind
    detail: str


class Parsed(NamedTuple):
    """A capture as read from its native format, not yet normalised.

    Attributes:
        tree: the tree, with the platform's own roles in `role` and empty `platform_role`.
        format: the format it was read from: a `Format`, or the name of a plug-in.
        gaps: what is known to be missing, in document order.
        url: address of the page or screen, empty where the format tells none.
        viewport: width and height in the platform's own pixels, or None where unknown.
        secrets: what is typed into password fields, as it stands beside the tree (a page's DOM).
    """

    tree: Tree
    format: str
    gaps: tuple[Gap, ...] = ()
    url: str = ""
    viewport: tuple[int, int] | None = None
    secrets: tuple[str, ...] = ()


class Source(NamedTuple):
    """The bytes of one capture: the tree and, for CDP, its DOM data and child frames."""

    data: bytes
    dom: bytes | None = None
    frames: Sequence[bytes] = ()


Reader = Callable[[Source], Parsed]


class FormatPlugin(Protocol):
    """A plug-in of the entry point group `systemzero.formats`.

    MUST be pure, iterative and linear in the size of its input, and MUST raise `DomainError`s that
    name the field, line or node for whatever is wrong with it: anything else is taken for a fault
    of the plug-in, and the client learns nothing of it.
    """

    @property
    def name(self) -> str:
        """Stable and unique, such as `outline`: small letters, digits and dashes, at most 40."""

    def recognises(self, data: bytes) -> bool:
        """Whether `data` is of this format, by its beginning; asked after the built-in formats."""

    def read(self, source: Source) -> Parsed:
        """The capture in `source`, whose tree is made by a `TreeBuilder`."""
