"""From a native capture to a normalised, signed tree: pure work, off the event loop if it is much.

decode -> without secrets -> completeness gate -> normalise -> sign
"""

from __future__ import annotations

from systemzero_capture.model import Decoded, Known, Reason
from systemzero_chassis.tree_body import pack
from systemzero_core.formats import Format, Formats, own
from systemzero_core.intake import Intake, take_in, take_in_tree
from systemzero_core.redaction import Rules
from systemzero_core.tree import Tree

_NODE_BYTES = 128
"""What a node takes in own tree JSON, as a rule."""
TERSEST = 8
"""A byte of another form may hold as much to be read as so many of own tree JSON, whose nodes take
24 bytes at least: a line of an ARIA snapshot is a node in four."""


class Native:
    """A capture's bytes as the client sent them."""

    __slots__ = ("data", "dom", "form", "frames")

    def __init__(
        self, data: bytes, form: str | None, dom: bytes | None, frames: tuple[bytes, ...]
    ) -> None:
        self.data, self.form, self.dom, self.frames = data, form, dom, frames

    @property
    def size(self) -> int:
        """The bytes of own tree JSON that may hold as much to be read."""
        if self.form == Format.TREE:
            return len(self.data)
        return TERSEST * (len(self.data) + len(self.dom or b"") + sum(map(len, self.frames)))


class Held:
    """A tree in hand, to be stored and judged; its own tree JSON is made once.

    Attributes:
        document: that JSON; empty until it is made.
        size: its bytes, roughly.
    """

    __slots__ = ("_tree", "document", "size")

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.document = b""
        self.size = _NODE_BYTES * len(tree)

    def encode(self) -> bytes:
        """The document, made where it was not yet: work for a thread, if the tree is large."""
        self.document = self.document or own.encode(self._tree)
        return self.document

    def body(self) -> bytes:
        """What is stored of the tree: work for a thread, as before."""
        return pack(self.encode())


def decode_native(native: Native, formats: Formats, rules: Rules) -> Decoded:
    """A native document, decoded; see `take_in`."""
    intake = take_in(
        native.data,
        format=native.form,
        dom=native.dom,
        frames=native.frames,
        formats=formats,
        rules=rules,
    )
    return _decoded(intake)


def decode_tree(tree: Tree, rules: Rules) -> Decoded:
    """A tree that the client sent as a message."""
    return _decoded(take_in_tree(tree, rules=rules))


def _decoded(intake: Intake) -> Decoded:
    reasons = tuple(Reason(i.reason, i.detail) for i in intake.incompleteness)
    known = Known(intake.signatures, len(intake.tree), intake.format, reasons)
    return Decoded(known, intake.tree)
