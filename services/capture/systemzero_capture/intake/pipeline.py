"""From a native capture to a normalised, signed tree: pure work, in a lane if it is much.

decode -> without secrets -> completeness gate -> normalise -> sign
"""

from __future__ import annotations

from typing import NamedTuple

from systemzero_capture.model import Decoded, Known, Reason
from systemzero_core.formats import Format, Formats, own
from systemzero_core.intake import Intake, take_in, take_in_tree
from systemzero_core.redaction import Rules
from systemzero_core.tree import Tree
from systemzero_storage.tree_body import pack
from systemzero_wire.trees import check_readable

NODE_BYTES = 128
"""What a node takes in own tree JSON, as a rule."""


class Native(NamedTuple):
    """A capture's bytes as the client sent them."""

    data: bytes
    form: str | None
    dom: bytes | None
    frames: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """The bytes of own tree JSON that may hold as much to be read."""
        if self.form == Format.TREE:
            return len(self.data)
        return own.TERSEST * (len(self.data) + len(self.dom or b"") + sum(map(len, self.frames)))


class Held:
    """A tree in hand, to be stored and judged; its own tree JSON is made once.

    Attributes:
        document: that JSON; empty until it is made.
    """

    __slots__ = ("_body", "_tree", "document")

    def __init__(self, tree: Tree | None, document: bytes = b"", body: bytes = b"") -> None:
        """Of a small `tree`, or with what a lane made of a large one."""
        self._tree = tree
        self.document = document
        self._body = body

    def encode(self) -> bytes:
        """The document, made where it was not yet."""
        if self._tree is not None:
            self.document = self.document or own.encode(self._tree)
        return self.document

    def body(self) -> bytes:
        """What is stored of the tree.

        Raises:
            TooLarge: it could never be read back.
        """
        if not self._body:
            document = self.encode()
            if self._tree is not None:
                check_readable(self._tree, len(document))
            self._body = pack(document)
        return self._body


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
