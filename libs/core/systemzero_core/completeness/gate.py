"""The rules of the gate, each a small function over one survey of the tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from systemzero_core.characters import apart
from systemzero_core.completeness.survey import (
    Kind,
    Survey,
    asks_for_script,
    without_loading_words,
)
from systemzero_core.errors import quote
from systemzero_core.formats.model import Gap, GapKind
from systemzero_core.normalize.roles import aria_role
from systemzero_core.tree import Node, Tree

_HARDLY_ANY = 3
"""Things to read or use that may stand beside a loading indicator (a title, a search field)."""

_FEW = 20
"""A part with more to read or to use than this is not looked into for words like "Loading"."""

_TOLD = 20
"""Reasons of one rule that are told one by one, at most."""

_SPLASH_TEXTS = 2
_SPLASH_IMAGES = 3
_VERSION = re.compile(
    r"(?:version|v|ver\.|release)?[ ]?[0-9]{1,6}(?:\.[0-9]{1,6}){1,3}"
    r"(?:[-+ ][0-9a-z.()+-]{1,20})?"
)
"""What a splash screen says beside a logo: `v1.2.3`, `Version 4.0 (512)`."""
_FRAME_AREA = 10_000  # square pixels: a frame of 100 by 100 is there to be looked at
_SCREENFULS = 4  # a web view of a quarter of the screen is what the screen is for
_NOT_RESPONDING_IDS = frozenset(("android:id/aerr_close", "android:id/aerr_wait"))
_NOT_RESPONDING_TITLES = tuple(
    f"({words})"
    for words in (
        *("not responding", "keine rückmeldung", "reagiert nicht", "ne répond pas", "no responde"),
        *("non risponde", "não está respondendo", "não responde", "não está a responder"),
        *("nie odpowiada", "brak odpowiedzi", "reageert niet", "не отвечает", "応答なし"),
        *("未响应", "沒有回應", "没有响应", "응답 없음", "yanıt vermiyor"),
    )
)
"""What Windows appends to a title, in the language of the system."""


class Reason(StrEnum):
    """Why a capture is not a whole screen."""

    EMPTY = "empty"
    NO_CONTENT = "no-content"
    SPLASH = "splash"
    LOADING = "loading"
    BUSY = "busy"
    NOT_RESPONDING = "not-responding"
    TRUNCATED = "truncated"
    MISSING_FRAME = "missing-frame"


class Incompleteness(NamedTuple):
    """One reason why a capture is not a whole screen; `detail` is a sentence for people."""

    reason: Reason
    detail: str


_GAP_REASONS = {GapKind.FRAME: Reason.MISSING_FRAME, GapKind.TRUNCATION: Reason.TRUNCATED}


def assess(tree: Tree, gaps: Sequence[Gap] = ()) -> tuple[Incompleteness, ...]:
    """Everything that says that `tree`, as it was parsed, is not a whole screen.

    `gaps` is what the parser knows to be missing.
    """
    found = _few(_gaps(gaps))
    if not tree.nodes:
        return (*found, Incompleteness(Reason.EMPTY, "the capture has no nodes"))
    survey = Survey(tree)
    found += _few(_not_responding(survey))
    found += _few(_waiting_frames(survey))
    found += _few(_waiting_web_views(survey))
    found += _few(_busy(survey))
    found += _few(_hardly_there(survey))
    return tuple(found)


def _gaps(gaps: Sequence[Gap]) -> Iterator[Incompleteness]:
    """What the parser misses."""
    return (Incompleteness(_GAP_REASONS[gap.kind], gap.detail) for gap in gaps)


def _few(found: Iterable[Incompleteness]) -> list[Incompleteness]:
    """What one rule found: a page of a thousand empty frames says so in few words."""
    told = iter(found)
    few = list(islice(told, _TOLD))
    if more := sum(1 for _ in told):
        few.append(Incompleteness(few[-1].reason, f"and {more} more of what is missing"))
    return few


def _hardly_there(survey: Survey) -> Iterator[Incompleteness]:
    """Nothing, a lone loading indicator, or a splash screen: at most one of them."""
    if not survey.shown():
        yield Incompleteness(Reason.NO_CONTENT, "there is nothing to read or to use on the screen")
        return
    request = _request_for_script(survey)
    if request:
        detail = f"the page has not run its scripts: {quote(request)} is nearly all it says"
        yield Incompleteness(Reason.NO_CONTENT, detail)
        return
    waiting = _lone_indicator(survey)
    if waiting is not None:
        node = survey.tree.nodes[waiting]
        said = quote(node.name) if node.name else f"a {aria_role(node.role)}"
        yield Incompleteness(Reason.LOADING, f"hardly anything is there but {said}")
    elif _is_splash(survey):
        yield Incompleteness(Reason.SPLASH, "only a logo or the application's name is there")


def _request_for_script(survey: Survey) -> str:
    """What a page says in place of its content where no script ran; empty if it says more."""
    if survey.content() > _HARDLY_ANY:
        return ""
    read = zip(survey.kinds, survey.tree.nodes, strict=True)
    texts = (node.name or node.value for kind, node in read if kind is Kind.READ)
    return next(filter(asks_for_script, texts), "")


def _lone_indicator(survey: Survey) -> int | None:
    """The loading indicator that the main part, or else the whole tree, holds hardly more than."""
    for part in survey.mains or [0]:
        if survey.content(part) <= _FEW:
            left, waiting = without_loading_words(survey, part)
            if waiting is not None and left <= _HARDLY_ANY:
                return waiting
    return None


def _is_splash(survey: Survey) -> bool:
    """Whether nothing can be used, and all there is to read is what the application is called."""
    count = survey.kinds.count
    if count(Kind.USE) or count(Kind.READ) > _SPLASH_TEXTS or count(Kind.IMAGE) > _SPLASH_IMAGES:
        return False
    pictures = count(Kind.IMAGE)
    told = list(zip(survey.kinds, survey.tree.nodes, strict=True))
    titles = {_plain(node.name) for kind, node in told if kind in (Kind.TITLE, Kind.IMAGE)}
    package = next(filter(None, (node.attribute("package") for _, node in told)), "")
    letters = package.replace(".", "").casefold()
    return all(
        text in titles
        or text.replace(" ", "") in letters
        or (pictures and _VERSION.fullmatch(text))
        for text in (_plain(node.name or node.value) for kind, node in told if kind is Kind.READ)
    )


def _plain(text: str) -> str:
    return apart(" ".join(text.split()), str.casefold)


def _busy(survey: Survey) -> Iterator[Incompleteness]:
    """A busy mark on the screen, on its main part, or on most of what there is."""
    for i in survey.busy:
        node = survey.tree.nodes[i]
        role = aria_role(node.role)
        if i == 0 or role in ("main", "document") or survey.content(i) * 2 > survey.content():
            yield Incompleteness(Reason.BUSY, f"{_called(node, role)} says that it is busy")
            return


def _waiting_frames(survey: Survey) -> Iterator[Incompleteness]:
    """Frames that are there to be looked at, whose document has come and holds nothing."""
    for i in survey.frames:
        node, has_document = survey.tree.nodes[i], survey.tree.ends[i] > i + 1
        if has_document and _is_looked_at(node) and not survey.shown(i):
            yield Incompleteness(Reason.MISSING_FRAME, f"{_called(node, 'frame')} has no content")


def _waiting_web_views(survey: Survey) -> Iterator[Incompleteness]:
    """Web views that fill a part of the screen, in which nothing is yet."""
    nodes = survey.tree.nodes
    if not survey.web_views:
        return
    screen = max((_area(node) for node in nodes), default=0)
    for i in survey.web_views:
        node = nodes[i]
        is_part = node.bounds is None or 0 < screen <= _area(node) * _SCREENFULS
        if is_part and "hidden" not in node.states and not survey.shown(i):
            yield Incompleteness(
                Reason.MISSING_FRAME, f"{_called(node, 'web view')} has no content"
            )


def _area(node: Node) -> int:
    return node.bounds.width * node.bounds.height if node.bounds is not None else 0


def _is_looked_at(node: Node) -> bool:
    if "hidden" in node.states:
        return False
    if node.bounds is None:
        return bool(node.name)
    area = node.bounds.width * node.bounds.height
    return area >= _FRAME_AREA or (area > 0 and bool(node.name))


def _not_responding(survey: Survey) -> Iterator[Incompleteness]:
    """The system's own word that the application hangs: Android's dialog, Windows' title."""
    if survey.content() > _FEW:
        return
    for kind, node in zip(survey.kinds, survey.tree.nodes, strict=True):
        asks = any(value in _NOT_RESPONDING_IDS for _, value in node.attributes)
        if asks or (kind is Kind.TITLE and _says_hung(node.name)):
            yield Incompleteness(Reason.NOT_RESPONDING, "the application does not respond")
            return


def _says_hung(title: str) -> bool:
    return _plain(title).endswith(_NOT_RESPONDING_TITLES)


def _called(node: Node, role: str) -> str:
    return f"the {role} {quote(node.name)}" if node.name else f"the {role}"
