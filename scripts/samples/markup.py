"""Elements and their text, without a library: samples are meant to look as the tools print them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

Box = tuple[int, int, int, int]


class Element(NamedTuple):
    """A widget: its platform's class, what differs from the defaults, (x, y, width, height)."""

    kind: str
    given: dict[str, str]
    box: Box
    children: tuple[Element, ...] = ()


Tag = Callable[[Element, int], tuple[str, dict[str, str]]]
"""(element, index among its siblings) to XML tag and attributes in order."""


def render(element: Element, tag: Tag, *, indent: str = "", index: int = 0) -> str:
    """The element as XML; on one line unless `indent` is given, which every level adds to."""
    name, attributes = tag(element, index)
    opened = name + "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    newline = "\n" if indent else ""
    if not element.children:
        return f"<{opened}/>{newline}"
    inner = "".join(
        render(child, tag, indent=indent, index=i) for i, child in enumerate(element.children)
    )
    if indent:
        inner = "".join(f"{indent}{line}\n" for line in inner.splitlines())
    return f"<{opened}>{newline}{inner}</{name}>{newline}"
