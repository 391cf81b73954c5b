"""An overlay, as a value."""

from __future__ import annotations

import msgspec


class Overlay(msgspec.Struct, frozen=True):
    """What came over a screen.

    Attributes:
        kind: `dialog`, `menu`, `list of options`, `message`, `tooltip` or `panel`.
        label: what it is called: its name, its first heading or its first text; may be empty.
        node: its root's index in the capture.
        size: its nodes.
        sentence: all of that in words.
    """

    kind: str
    label: str
    node: int
    size: int
    sentence: str
