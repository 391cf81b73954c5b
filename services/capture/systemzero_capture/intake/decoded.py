"""A tree in hand, between decoding and storing."""

from __future__ import annotations

from systemzero_core.formats import own
from systemzero_core.tree import Tree
from systemzero_storage.tree_body import pack
from systemzero_wire.trees import check_readable


class DecodedCapture:
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
