"""Trees as they come in a request, or from the capture service: read and taken in."""

from __future__ import annotations

import zstandard

from systemzero_core.errors import DomainError, FieldViolation, InvalidInput, TooLarge
from systemzero_core.formats import Formats, own
from systemzero_core.intake import Intake, take_in, take_in_tree
from systemzero_core.redaction import Rules, redact
from systemzero_core.signature import Signatures
from systemzero_core.tree import Tree
from systemzero_diff.codec.sources import damaged, decode_native, decode_tree
from systemzero_diff.model import Source
from systemzero_storage import tree_body

_ALONE = frozenset(("tree.native",))
"""Fields of requests that have one document: what is wrong with it needs no more words."""


def document_of(source: Source) -> bytes:
    """The own tree JSON of a stored capture.

    Raises:
        DataCorrupted: it is damaged.
    """
    try:
        return tree_body.document(source.message)
    except zstandard.ZstdError:
        raise damaged(source.capture_id) from None


def tree_of(source: Source) -> Tree:
    """The normalised tree of a stored capture. Raises as `document_of`."""
    return own.decode(document_of(source))


def taken_in(source: Source, formats: Formats, rules: Rules) -> Intake:
    """Read it.

    Raises:
        InvalidInput, TooLarge: it is no tree.
    """
    if source.kind == "native":
        return _native(source, formats, rules)
    if source.kind == "tree":
        return take_in_tree(decode_tree(source), rules=rules)
    return _stored(source, rules)


def _stored(source: Source, rules: Rules) -> Intake:
    """A stored capture: normalised and signed, unless it shows what is a secret by now."""
    tree, reasons = tree_of(source), source.incompleteness
    if redact(tree, rules).secrets:
        return take_in_tree(tree, reasons, rules)
    return Intake(tree, Signatures(*source.signatures), reasons, None)


def _native(source: Source, formats: Formats, rules: Rules) -> Intake:
    document, field = decode_native(source), source.field
    try:
        return take_in(
            document.data,
            format=document.format,
            dom=document.dom,
            frames=document.frames,
            formats=formats,
            rules=rules,
        )
    except (InvalidInput, TooLarge) as error:
        raise error if field in _ALONE else _within(field, error) from None


def _within(field: str, error: DomainError) -> DomainError:
    """`error`, which is about the document in `field` of a request that has several."""
    error.message = f"{field}: {error.message}"
    if isinstance(error, InvalidInput):
        error.violations = tuple(
            FieldViolation(f"{field}.{v.field}", v.description) for v in error.violations
        )
    return error
