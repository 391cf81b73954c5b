"""What a page says it is: its address, its title, its main headings.

Two screens of one application share navigation, header and footer; this is what they do not share.
An address counts by its ends: where an application is served, and under which release, is no part
of the page. A title counts by its parts, since most name the application besides.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from enum import Enum
from typing import Final, NamedTuple

from systemzero_core.match.texts import LONGEST, fold, path_of, route_of, words_of
from systemzero_core.tree import Node

_ENDS = 4
"""Of an address, as many ends count: the last segment, the last two, and so on."""
_HEADINGS = 3
_PARTS = re.compile(r"\s+[|\u00b7\u2022\u00bb\u2013\u2014:-]\s+")
"""What is between the parts of a title."""
_ADDRESS, _TITLE = "address", "title"


class Agreement(Enum):
    """Whether two pages are one, by what they say."""

    AGREES = "agrees"
    """An end of the address and a part of the title are the same."""
    CONTRADICTS = "contradicts"
    """No end of the address is the same, and each title has a part of its own."""
    ELSEWHERE = "elsewhere"
    """No end of the address is the same; the titles do not say more."""
    TURNED = "turned"
    """Each has a tab chosen that the other offers and has not chosen."""
    UNKNOWN = "unknown"


class Claims(NamedTuple):
    """What a page says it is, as tokens.

    Attributes:
        address: the ends of its address; empty where it has none.
        title: the parts of its title; empty where it has none.
    """

    address: frozenset[int] = frozenset()
    title: frozenset[int] = frozenset()

    def agreement(self, other: Claims) -> Agreement:
        """Whether the two are of one page, by what they say."""
        if not (self.address and other.address):
            return Agreement.UNKNOWN
        if not self.address.isdisjoint(other.address):
            told = not self.title.isdisjoint(other.title)
            return Agreement.AGREES if told else Agreement.UNKNOWN
        told = bool(self.title - other.title and other.title - self.title)
        return Agreement.CONTRADICTS if told else Agreement.ELSEWHERE


NO_CLAIMS: Final = Claims()


def page_of(nodes: tuple[Node, ...]) -> dict[Hashable, int]:
    """What of `nodes` says which page it is; nothing where it has no address.

    The windows of an application without one have much the same title.
    """
    url = nodes[0].attribute("url") if nodes else None
    if not url:
        return {}
    title = nodes[0].name
    return {
        **{(_ADDRESS, end): 1 for end in _ends(route_of(url) or path_of(url))},
        **{(_TITLE, fold(part)): 1 for part in _PARTS.split(title[:LONGEST]) if part.strip()},
        **{("word", word): 1 for word in words_of(title)},
        **{("heading", heading): 1 for heading in _headings(nodes)},
    }


def claims_of(page: Mapping[Hashable, int]) -> Claims:
    """What `page_of` found, as far as pages can contradict each other by it."""
    return Claims(_tokens(page, _ADDRESS), _tokens(page, _TITLE))


def _tokens(page: Mapping[Hashable, int], kind: str) -> frozenset[int]:
    return frozenset(hash(key) for key in page if isinstance(key, tuple) and key[0] == kind)


def _ends(path: str) -> list[str]:
    """`/shop/products/7`: `products/#` and so on; a number alone names no page."""
    if not path:
        return []
    segments = path.rstrip("/").split("/")
    if segments == [""]:
        return ["/"]
    most = min(len(segments), _ENDS)
    ends = ["/".join(segments[-count:]) for count in range(1, most + 1)]
    return [end for end in ends if end.strip("#")]


def _headings(nodes: tuple[Node, ...]) -> list[str]:
    """The headings of the first level, or the first there are."""
    headings = [node for node in nodes if node.role == "heading" and node.name]
    first = [node for node in headings if node.attribute("level") == "1"]
    return [fold(node.name) for node in (first or headings)[:_HEADINGS]]
