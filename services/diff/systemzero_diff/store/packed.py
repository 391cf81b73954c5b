"""Template versions as they are stored: small, and made into templates when they are asked for."""

from __future__ import annotations

import msgspec
import zstandard

from systemzero_core.template import Template
from systemzero_storage.tree_body import StoredTree

_decode = msgspec.json.Decoder(Template, dec_hook=lambda _kind, value: value).decode


class PackedTemplate(msgspec.Struct, frozen=True, eq=False):
    """One version of a template, in a hundredth of the memory or less. Itself alone is equal to it.

    Attributes:
        template_id: of the template.
        version: of the template.
        screen_id: of the template.
        position: place in the order of commits; what followers count by.
        deleted: whether the template was taken out with this version.
        body: its fields as JSON, without the tree.
        tree: the compressed tree (`tree_body`); None for a template without one.
    """

    template_id: str
    version: int
    screen_id: str
    position: int
    deleted: bool
    body: bytes
    tree: bytes | None

    def unpacked(self) -> Template:
        """The template."""
        return unpacked(self.body, self.tree)

    @property
    def document_bytes(self) -> int:
        """Bytes of body and tree when they are not compressed."""
        tree = self.tree
        return len(self.body) + (0 if tree is None else zstandard.frame_content_size(tree))


def unpacked(body: bytes, tree: bytes | None) -> Template:
    """The template of a stored body and a compressed tree, which is read when it is looked at."""
    template = _decode(body)
    return template if tree is None else msgspec.structs.replace(template, tree=StoredTree(tree))
