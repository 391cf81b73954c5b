"""Digests that a log entry has of its row, so that neither can change alone.

Digests are SHA-256 in lower-case hexadecimal, over the bytes that the row has.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from systemzero_core.drift import Decision
from systemzero_core.template import Template
from systemzero_storage.tree_body import encoded

EVENT_KIND: Final = "drift.event"
DECISION_KIND: Final = "drift.decision"
VERSION_KIND: Final = "template.version"
DELETION_KIND: Final = "template.deletion"

_encode: Final = msgspec.json.Encoder().encode


def decision_body(decision: Decision) -> bytes:
    """A decision as it is stored."""
    return _encode(decision)


def template_body(template: Template) -> bytes:
    """A template without its tree, as it is stored."""
    return _encode(msgspec.structs.replace(template, tree=None))


def digest(*parts: bytes) -> str:
    """The digest over `parts`, one after the other."""
    return hashlib.sha256(b"".join(parts)).hexdigest()


def template_digest(template: Template) -> str:
    """The digest over a template's body and, if it has one, its tree (own tree JSON)."""
    tree = b"" if template.tree is None else encoded(template.tree)
    return digest(template_body(template), tree)
