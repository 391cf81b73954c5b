"""New versions of a template. Each keeps the policy; see the invariants of `template.model`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from systemzero_core.signature import sign
from systemzero_core.template.find import Finder
from systemzero_core.template.model import Template
from systemzero_core.tree import Tree

MAX_CAPTURES = 50
"""Ids of captures that a template remembers: the last ones."""


def next_version(template: Template, changes: Mapping[str, Any]) -> Template:
    """The version after `template`, with `changes` by field name; the identity never changes."""
    kept = {k: v for k, v in changes.items() if k not in ("template_id", "version")}
    return msgspec.structs.replace(template, version=template.version + 1, **kept)


def signed(template: Template) -> Template:
    """`template` with the digests of its tree; as it is where it has none."""
    if template.tree is None:
        return template
    digests = sign(template.tree)
    return msgspec.structs.replace(
        template,
        structure_signature=digests.structure.hex(),
        full_signature=digests.full.hex(),
    )


def rebased(template: Template, tree: Tree, capture_id: str = "") -> Template:
    """The next version with an approved capture's `tree` as its baseline.

    Required nodes that the approved tree lacks are required no more: they were approved away.
    """
    finder = Finder(tree)
    captures = (*template.captures, capture_id) if capture_id else template.captures
    return signed(
        next_version(
            template,
            {
                "tree": tree,
                "required_nodes": tuple(filter(finder.has, template.required_nodes)),
                "captures": captures[-MAX_CAPTURES:],
            },
        )
    )
