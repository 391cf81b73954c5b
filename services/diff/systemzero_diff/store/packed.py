"""Template versions as they are stored: small, and made into templates when they are asked for."""

from __future__ import annotations

import msgspec

from systemzero_core.template import Template
from systemzero_diff.work.packed import Packed


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
        return self._packed.template()

    @property
    def document_bytes(self) -> int:
        """Bytes of body and tree when they are not compressed."""
        return self._packed.size

    @property
    def _packed(self) -> Packed:
        return Packed(self.body, self.tree)
