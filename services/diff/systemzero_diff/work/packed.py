"""Templates packed: as the store has them, and on their way between processes."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import zstandard

from systemzero_core.template import Template
from systemzero_diff.digests import template_body
from systemzero_diff.model import StoredTemplate
from systemzero_storage.tree_body import StoredTree, compress

_decode_fields = msgspec.json.Decoder(Template, dec_hook=lambda _kind, value: value).decode


class ListedTemplate(NamedTuple):
    """What a list tells a template by: its fields as JSON, and what is said of its version."""

    screen_id: str
    body: bytes
    position: int
    create_time: int
    etag: str

    def stored(self) -> StoredTemplate:
        """The version, without its tree."""
        bare = Packed(self.body, None).template()
        return StoredTemplate(bare, self.position, self.create_time, self.etag)


class Packed(NamedTuple):
    """A template: its fields as JSON, its tree as it is stored."""

    fields: bytes
    body: bytes | None
    signatures: tuple[bytes, bytes, bytes] | None = None

    @classmethod
    def of(cls, template: Template) -> Packed:
        """`template`, whose tree is not read if it was not yet."""
        tree = template.tree
        bare = template_body(template)
        if tree is None:
            return cls(bare, None)
        known = tree.signatures if isinstance(tree, StoredTree) else None
        return cls(bare, compress(tree), known)

    def template(self) -> Template:
        """The template; its tree is read when it is looked at."""
        bare = _decode_fields(self.fields)
        if self.body is None:
            return bare
        return msgspec.structs.replace(bare, tree=StoredTree(self.body, self.signatures))

    @property
    def size(self) -> int:
        """Bytes of the fields, and of the tree as own tree JSON."""
        document = zstandard.frame_content_size(self.body) if self.body else 0
        return len(self.fields) + document
