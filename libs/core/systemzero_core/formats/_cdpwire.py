"""The parts of CDP's answers that are read, as types; all else is skipped without being built.

`Accessibility.getFullAXTree` answers `{"nodes": [AXNode, …]}`. Taken are that answer, the whole
message around it (`{"id": …, "result": {…}}`) and the bare list: all three are what tools save.

Nothing here can be part of a reference cycle (it comes from JSON), hence `gc=False` throughout.
"""

from __future__ import annotations

from typing import Any

import msgspec

from systemzero_core.formats import _json


class Text(msgspec.Struct, gc=False):
    """An AXValue that is a text."""

    value: str | None = ""


class Value(msgspec.Struct, gc=False):
    """An AXValue of any type."""

    value: Any = None


class Property(msgspec.Struct, gc=False):
    """An AXProperty."""

    name: str
    value: Value


class AXNode(msgspec.Struct, gc=False, rename="camel"):
    """An AXNode; `backend_id` is 0 where the node has no DOM node."""

    node_id: str
    ignored: bool = False
    role: Text | None = None
    name: Text | None = None
    value: Value | None = None
    description: Text | None = None
    properties: tuple[Property, ...] = ()
    child_ids: tuple[str, ...] = ()
    parent_id: str | None = None
    backend_id: int = msgspec.field(default=0, name="backendDOMNodeId")
    frame_id: str | None = None

    @property
    def role_name(self) -> str:
        """The role's name, empty where there is none."""
        return (self.role.value or "") if self.role is not None else ""


class Answer(msgspec.Struct, gc=False, rename="camel"):
    """The answer for one frame.

    `owner_backend_node_id` is no part of CDP: a recorder may add what `DOM.getFrameOwner` told it,
    so that a child frame is joined without guessing.
    """

    nodes: list[AXNode] | None = None
    result: Answer | None = None
    error: Any = None
    owner_backend_node_id: int = 0


_answer: msgspec.json.Decoder[Answer | list[AXNode]] = msgspec.json.Decoder(Answer | list[AXNode])


def read_answer(data: bytes, what: str) -> Answer:
    """One frame's nodes; `what` names the input in errors.

    Raises:
        InvalidInput, TruncatedInput: as `_json.decode` says.
    """
    answer = _json.decode(_answer, data, what)
    if isinstance(answer, list):
        return Answer(answer)
    return answer.result if answer.nodes is None and answer.result is not None else answer
