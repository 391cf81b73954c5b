"""What a screen holds, counted: things to read, things to use, pictures, loading indicators."""

from __future__ import annotations

import re
from enum import IntEnum
from itertools import accumulate

from systemzero_core.characters import known
from systemzero_core.normalize.loading import is_part_of_spinner, is_spinner, says_loading
from systemzero_core.normalize.role_tables import words
from systemzero_core.normalize.roles import aria_role
from systemzero_core.tree import Node, Tree

_ASKS_FOR_SCRIPT = re.compile(
    r"""(?:enable|activate|turn[ ]on|allow|requires?|needs?|without|no
        |aktivier\w*|benötigt|activer|activez|activa\w*|habilit\w*|abilit\w*|attiva\w*)
        \b.{0,40}\bjavascript
      | javascript\b.{0,40}\b(?:enabled|disabled|required|turned|aktivier\w*|deaktiviert|benötigt
        |activé|désactivé|activado|desactivado|habilitado)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST_REQUEST = 200

_TITLED = words("document window application iframe")
_USABLE = words("""
    button checkbox combobox link listbox menuitem menuitemcheckbox menuitemradio option radio
    searchbox slider spinbutton switch tab textbox treeitem
""")
_SILENT = words("scrollbar inlinetext linebreak listmarker")
_CHROME = words("SystemBar TitleBar XCUIElementTypeStatusBar")


class Kind(IntEnum):
    """What one node adds to a screen."""

    CHROME = -1
    """It and all in it is around the screen: the system's bars, a window's own buttons."""
    NOTHING = 0
    TITLE = 1
    """It says what the screen is called, not what is on it."""
    IMAGE = 2
    LOADING = 3
    READ = 4
    USE = 5


# looked up once: a member's look-up costs four times as much as all else that a node takes
_NOTHING, _LOADING, _READ, _IMAGE = Kind.NOTHING, Kind.LOADING, Kind.READ, Kind.IMAGE
_AROUND = Kind.CHROME


class Survey:
    """What each node of one tree adds, and how much of it lies within any subtree.

    `mains`, `frames`, `web_views` and `busy` are the nodes of that role or state, in document
    order; a main part within another, and a web view within another, are left out.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.mains: list[int] = []
        self.frames: list[int] = []
        self.web_views: list[int] = []
        self.busy: list[int] = []
        self.kinds: list[Kind] = []
        self._survey()
        self._content = [0, *accumulate(map(_READ.__le__, self.kinds))]
        self._shown = [0, *accumulate(map(_IMAGE.__le__, self.kinds))]

    def content(self, node: int = 0) -> int:
        """How many things to read or to use there are in the subtree of `node`."""
        return self._content[self.tree.ends[node]] - self._content[node]

    def shown(self, node: int = 0) -> int:
        """How much there is to be seen at all in the subtree of `node`, titles apart."""
        return self._shown[self.tree.ends[node]] - self._shown[node]

    def _survey(self) -> None:
        nodes, found = self.tree.nodes, self.kinds
        known: dict[str | tuple[str, str], _Place] = {}
        for i, (node, parent) in enumerate(zip(nodes, self.tree.parents, strict=True)):
            above = found[parent] if i else _NOTHING
            key = (node.role, node.platform_role) if node.platform_role else node.role
            place = known.get(key)
            if place is None:
                place = known[key] = _place(node.role, node.platform_role or node.role)
            if above is _AROUND or place is _CHROME_PLACE:
                kind = _AROUND
            elif above is _LOADING and _is_part(node):
                kind = _LOADING  # what an indicator is made of; a button in it is none
            elif above >= _READ and nodes[parent].name == node.name:
                kind = _NOTHING  # a text that repeats its parent
            else:
                kind = _kind(node, place)
            found.append(kind)
            if place is _MAIN and not _holds(self.tree, self.mains, i):
                self.mains.append(i)
            elif place is _FRAME:
                self.frames.append(i)
            elif place is _WEB and not _holds(self.tree, self.web_views, i):
                self.web_views.append(i)
            if "busy" in node.states and kind is not _LOADING:
                self.busy.append(i)


def _holds(tree: Tree, found: list[int], node: int) -> bool:
    """Whether the last of `found` has `node` below it."""
    return bool(found) and node < tree.ends[found[-1]]


class _Place(IntEnum):
    """What a role is to the survey."""

    PLAIN = 0
    SILENT = 1
    TITLED = 2
    FRAME = 3
    MAIN = 4
    IMAGE = 5
    PROGRESS = 6
    USABLE = 7
    CHROME = 8
    WEB = 9
    """A native program's web view: a document that may still be on its way."""


def _place(given_role: str, own_role: str) -> _Place:
    """The place of a node with `given_role`; `own_role` is its platform's word."""
    role = aria_role(given_role)
    if own_role in _CHROME:
        return _Place.CHROME
    if own_role.endswith("WebView") and ("." in own_role or own_role.startswith("XCUI")):
        return _Place.WEB
    if role in _SILENT:
        return _Place.SILENT
    if role in _TITLED:
        return _Place.FRAME if role == "iframe" else _Place.TITLED
    if role in _USABLE:
        return _Place.USABLE
    places = {"main": _Place.MAIN, "img": _Place.IMAGE, "progressbar": _Place.PROGRESS}
    return places.get(role, _Place.PLAIN)


_PLAIN, _FRAME, _MAIN = _Place.PLAIN, _Place.FRAME, _Place.MAIN
_WEB, _CHROME_PLACE = _Place.WEB, _Place.CHROME


def _kind(node: Node, place: _Place) -> Kind:
    if "hidden" in node.states:
        return _NOTHING
    said = node.name or node.value
    if place is _PLAIN:
        return _READ if said and not said.isspace() else _NOTHING
    if place is _Place.SILENT:
        return _NOTHING
    if place is _Place.USABLE:
        return _NOTHING if "disabled" in node.states else Kind.USE
    if place is _Place.IMAGE:
        return _IMAGE
    if place is _Place.PROGRESS:
        return _LOADING if is_spinner(node) else _READ
    if not said or said.isspace():
        return _NOTHING
    return Kind.TITLE if place in (_Place.TITLED, _FRAME, _WEB) else _READ


def _is_part(node: Node) -> bool:
    return is_part_of_spinner(node, aria_role(node.role))


def without_loading_words(survey: Survey, part: int) -> tuple[int, int | None]:
    """What is left to read or use in the subtree of `part` beside words that say "loading".

    Returns the number of such things, and the first node that shows loading, if any.
    """
    tree, left, first = survey.tree, 0, None
    waiting = bytearray(tree.ends[part] - part)
    for i in range(part, tree.ends[part]):
        kind, node = survey.kinds[i], tree.nodes[i]
        above = waiting[tree.parents[i] - part] if i > part else 0
        says_so = kind is _READ and _says_so(node)
        if kind is _LOADING or above or says_so:
            waiting[i - part] = above or says_so  # in a spinner, what can be used is content
            first = i if first is None else first
        else:
            left += kind >= _READ
    return left, first


def _says_so(node: Node) -> bool:
    return says_loading(node.name or node.value)


def asks_for_script(text: str) -> bool:
    """Whether `text` is what a page says that has to run JavaScript to show anything else."""
    return len(text) <= _LONGEST_REQUEST and _ASKS_FOR_SCRIPT.search(known(text)) is not None
