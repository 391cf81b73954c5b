"""Chrome DevTools Protocol: `Accessibility.getFullAXTree`, with DOM data and child frames if given.

Specification: https://chromedevtools.github.io/devtools-protocol/tot/Accessibility/. Invariants:

1. The order of children is that of `childIds`, never that of the array.
2. Ignored nodes are spliced out, their children kept in place; InlineTextBox (where lines wrap) is
   left out. The root is never spliced, so that there is one.
3. Every node of the input is reached once: a dangling, doubly-owned or unreachable one is an error.
   An identical repetition of a node, which Chromium does write, is the same node.
4. An Iframe whose content is not there is a gap, and so is a frame without a known owner.
"""

from __future__ import annotations

from typing import NamedTuple

from systemzero_core.errors import InvalidInput, MalformedTree, quote
from systemzero_core.formats import _cdpdom, _cdpwords
from systemzero_core.formats._cdpdom import Dom
from systemzero_core.formats._cdpframes import OWNER_ROLES, Frame, owners_of
from systemzero_core.formats._cdpwire import Answer, AXNode, read_answer
from systemzero_core.formats._values import check_count, pairs, text_of, words
from systemzero_core.formats.model import Format, Gap, GapKind, Parsed, Source
from systemzero_core.tree import Bounds, Node, Tree

_LINE_BREAKS = "InlineTextBox"
_EMPTY = Tree((), ())
_TRACKER = 5
"""Width or height, in pixels, up to which a frame shows nothing but its border: counting pixels."""


def read(source: Source) -> Parsed:
    """A capture of a page in Chromium; the adapter of `Format.CDP`.

    Raises:
        MalformedTree: the children are no tree; the violation names the node.
        InvalidInput: a part is not of its format; the violation names the field.
        TooLarge: more nodes than a tree may have.
    """
    dom = _cdpdom.read(source.dom) if source.dom is not None else None
    answers = [read_answer(source.data, "nodes")]
    answers += [read_answer(data, f"frames[{i}]") for i, data in enumerate(source.frames)]
    check_count(sum(len(answer.nodes or ()) for answer in answers))
    for number, answer in enumerate(answers):
        if answer.nodes is None:
            raise _without_nodes(answer, f"frames[{number - 1}].nodes" if number else "nodes")
    if not answers[0].nodes:
        return Parsed(_EMPTY, Format.CDP)
    frames = [frame for answer in answers for frame in _frames_of(answer)]
    walk = _Walk(frames, dom)
    walk.run()
    return Parsed(
        Tree(walk.nodes, walk.parents),
        Format.CDP,
        tuple(walk.gaps),
        url=frames[0].url,
        secrets=dom.secrets if dom is not None else (),
    )


def _without_nodes(answer: Answer, field: str) -> InvalidInput:
    if answer.error is None:
        return InvalidInput.at(field, "missing")
    error = answer.error
    said = text_of(error.get("message")) if isinstance(error, dict) else text_of(error)
    return InvalidInput.at(
        field, f"the browser answered with an error, {quote(said)}; capture again"
    )


def _frames_of(answer: Answer) -> list[Frame]:
    """The frames in one answer: none (its Iframe is a gap then), one, or all in one list."""
    nodes = answer.nodes or []
    by_id = {node.node_id: node for node in nodes}
    if len(by_id) != len(nodes):
        _check_repeated(nodes, by_id)
    roots = [node for node in by_id.values() if node.parent_id not in by_id]
    if len(roots) > 1:  # older protocols name children alone, no parents
        children = {child for node in nodes for child in node.child_ids}
        roots = [node for node in roots if node.parent_id or node.node_id not in children]
    if not roots and nodes:
        raise MalformedTree.at(
            _name(nodes[0]), "every node has a parent: there is a cycle and no root"
        )
    for extra in roots[1:]:
        if extra.role_name != "RootWebArea":
            raise MalformedTree.at(_name(extra), _unowned(extra))
    owner = answer.owner_backend_node_id
    return [Frame(by_id, root, _url(root), owner) for root in roots]


def _unowned(node: AXNode) -> str:
    if node.parent_id is None:
        return "is nobody's child, and no page"
    return f"its parent {quote(node.parent_id)} is not in the capture"


def _check_repeated(nodes: list[AXNode], by_id: dict[str, AXNode]) -> None:
    for node in nodes:
        if by_id[node.node_id] != node:
            raise MalformedTree.at(_name(node), "two different nodes with this id")


def _url(root: AXNode) -> str:
    return next((text_of(p.value.value) for p in root.properties if p.name == "url"), "")


def _name(node: AXNode) -> str:
    return f"node {quote(node.node_id)}"


class _Walk:
    """One pass over all frames in document order; `nodes`, `parents` and `gaps` are its result."""

    def __init__(self, frames: list[Frame], dom: Dom | None) -> None:
        self.nodes: list[Node] = []
        self.parents: list[int] = []
        self.gaps: list[Gap] = []
        self._frames = frames
        self._dom = dom
        self._owned = owners_of(frames, dom) if len(frames) > 1 else {}
        # What is not yet reached; frames from one list share theirs.
        self._left = {id(f.nodes): dict(f.nodes) for f in frames}
        self._walked: set[int] = set()

    def run(self) -> None:
        """Walk the main frame and what is joined to it.

        Raises:
            MalformedTree: a child is dangling, owned twice, or a node is out of reach.
        """
        stack: list[_Visit] = []
        self._enter(0, -1, (0, 0), stack)
        nodes, parents = self.nodes, self.parents
        while stack:
            key, parent, frame = stack.pop()
            node = frame.left.pop(key, None)
            if node is None:
                raise self._no_tree(key, parent, frame)
            role = node.role.value or "" if node.role is not None else ""
            index = parent
            if parent < 0 or not (node.ignored or role == _LINE_BREAKS):
                index = len(nodes)
                nodes.append(_node(node, role, frame.dom, frame.offset))
                parents.append(parent)
                if role in OWNER_ROLES and not node.child_ids:
                    self._content(node, index, stack)
            children = node.child_ids
            if len(children) == 1:
                stack.append((children[0], index, frame))
            elif children:
                stack.extend([(child, index, frame) for child in children[::-1]])
        self._check_all_reached()

    def _enter(
        self, number: int, parent: int, offset: tuple[int, int], stack: list[_Visit]
    ) -> None:
        frame = self._frames[number]
        self._walked.add(number)
        entered = _Entered(frame, self._left[id(frame.nodes)], self._dom, offset)
        stack.append((frame.root.node_id, parent, entered))

    def _content(self, owner: AXNode, index: int, stack: list[_Visit]) -> None:
        """Go on in the frame that belongs under `owner`, or note that it is missing."""
        number = self._owned.get(id(owner))
        bounds = self.nodes[index].bounds
        if number is not None:
            moves = bounds is not None and self._dom is not None and self._dom.relative
            self._enter(number, index, bounds[:2] if moves and bounds else (0, 0), stack)
        elif bounds is None or min(bounds.width, bounds.height) > _TRACKER:
            named = quote(self.nodes[index].name) if self.nodes[index].name else "without a name"
            self.gaps.append(
                Gap(GapKind.FRAME, f"the content of the frame {named} ({_name(owner)}) is missing")
            )

    def _no_tree(self, key: str, parent: int, frame: _Entered) -> MalformedTree:
        if key not in frame.frame.nodes:
            return MalformedTree.at(
                f"node {quote(key)}", "is a child of a node but not in the input"
            )
        under = self.nodes[parent].role if parent >= 0 else "the root"
        return MalformedTree.at(
            f"node {quote(key)}", f"is owned twice, or its own ancestor (again below {under})"
        )

    def _check_all_reached(self) -> None:
        for number, frame in enumerate(self._frames):
            if number not in self._walked:
                detail = f"the frame {quote(frame.url)} has no known owner"
                self.gaps.append(Gap(GapKind.FRAME, detail))
        unwalked = {id(f.nodes) for n, f in enumerate(self._frames) if n not in self._walked}
        for answer, left in self._left.items():
            if left and answer not in unwalked:
                lost = next(iter(left.values()))
                raise MalformedTree.at(_name(lost), "no node that is reached has it as a child")


class _Entered(NamedTuple):
    """A frame being walked: what of it is left, and how far its boxes are to be moved."""

    frame: Frame
    left: dict[str, AXNode]
    dom: Dom | None
    offset: tuple[int, int]


_Visit = tuple[str, int, _Entered]


def _node(node: AXNode, role: str, dom: Dom | None, offset: tuple[int, int]) -> Node:
    name = (node.name.value or "") if node.name is not None else ""
    element = dom.elements.get(node.backend_id) if dom is not None and node.backend_id else None
    if not node.properties and element is None and node.value is None and node.description is None:
        return Node(role, name)
    states: list[str] = []
    attributes: dict[str, str] = {}
    if node.properties:
        _cdpwords.add(node.properties, states, attributes)
    if node.description is not None and node.description.value:
        attributes["description"] = node.description.value
    bounds = None
    if element is not None:
        _cdpdom.attributes_of(element, attributes)
        bounds = element.bounds
        if bounds is not None and offset != (0, 0):
            bounds = Bounds(bounds.x + offset[0], bounds.y + offset[1], *bounds[2:])
    value = text_of(node.value.value) if node.value is not None else ""
    return Node(role, name, value, words(states), bounds, pairs(attributes))
