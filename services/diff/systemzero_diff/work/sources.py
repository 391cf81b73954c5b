"""Trees as they come in a request, or from the capture service: not yet read."""

from __future__ import annotations

from typing import NamedTuple

import zstandard

from systemzero.capture.v1 import tree_service_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_core.completeness import Incompleteness
from systemzero_core.errors import (
    DataCorrupted,
    DomainError,
    FieldViolation,
    InvalidInput,
    TooLarge,
)
from systemzero_core.formats import Formats, own
from systemzero_core.intake import Intake, take_in, take_in_tree
from systemzero_core.redaction import Rules, redact
from systemzero_core.signature import Signatures
from systemzero_core.tree import Tree
from systemzero_storage.tree_body import document
from systemzero_wire.trees import (
    decode_format,
    decode_frames,
    decode_incompleteness,
    decode_signatures,
    decode_tree,
)
from systemzero_wire.unread import raw, read_as

_ALONE = frozenset(("tree.native",))
"""Fields of requests that have one document: what is wrong with it needs no more words."""


class Source(NamedTuple):
    """A tree, not yet read.

    Attributes:
        kind: `tree`, `native` or `capture`.
        message: the serialised message; of a capture its tree as it is stored.
        field: its path in the request.
        size: bytes of own tree JSON that may hold as much to be read.
        capture_id: the capture that it is of; empty for none.
        signatures: full, structure and content digest of a capture's tree.
        incompleteness: why a capture is incomplete.
    """

    kind: str
    message: bytes
    field: str
    size: int
    capture_id: str = ""
    signatures: tuple[bytes, ...] = ()
    incompleteness: tuple[Incompleteness, ...] = ()


def given(source: tree_pb2.TreeSource, field: str) -> Source:
    """What the request gives itself.

    Raises:
        InvalidInput: no source is set.
    """
    kind = source.WhichOneof("source")
    if kind == "native":
        native, name = source.native, f"{field}.native"
        size = len(native.data) + len(native.dom) + sum(map(len, decode_frames(native, name)))
        factor = 1 if native.format == tree_pb2.FORMAT_TREE else own.TERSEST
        return Source(kind, native.SerializeToString(), name, factor * size)
    if kind == "tree":
        message = raw(source.tree)
        return Source(kind, message, field, own.TERSEST * len(message))
    raise InvalidInput.at(field, "required: tree, capture_id or native")


def of_capture(stored: tree_service_pb2.StoredTree) -> Source:
    """A stored capture with its tree.

    Raises:
        DataCorrupted: that is none.
    """
    try:
        size = zstandard.frame_content_size(stored.body)
    except zstandard.ZstdError:
        raise _damaged(stored.capture_id) from None
    given = enumerate(stored.incompleteness)
    reasons = [decode_incompleteness(reason, f"incompleteness[{i}]") for i, reason in given]
    signatures = decode_signatures(stored.signatures, "signatures")
    return Source(
        "capture", stored.body, "", size, stored.capture_id, (*signatures,), tuple(reasons)
    )


def document_of(source: Source) -> bytes:
    """The own tree JSON of a stored capture.

    Raises:
        DataCorrupted: it is damaged.
    """
    try:
        return document(source.message)
    except zstandard.ZstdError:
        raise _damaged(source.capture_id) from None


def tree_of(source: Source) -> Tree:
    """The normalised tree of a stored capture. Raises as `document_of`."""
    return own.decode(document_of(source))


def _damaged(capture_id: str) -> DataCorrupted:
    return DataCorrupted(f"the stored capture {capture_id!r:.120} is damaged")


def taken_in(source: Source, formats: Formats, rules: Rules) -> Intake:
    """Read it.

    Raises:
        InvalidInput, TooLarge: it is no tree.
    """
    if source.kind == "native":
        return _native(source, formats, rules)
    if source.kind == "tree":
        message = read_as(tree_pb2.Tree, source.message, source.field)
        return take_in_tree(decode_tree(message, source.field), rules=rules)
    return _stored(source, rules)


def _stored(source: Source, rules: Rules) -> Intake:
    """A stored capture: normalised and signed, unless it shows what is a secret by now."""
    tree, reasons = tree_of(source), source.incompleteness
    if redact(tree, rules).secrets:
        return take_in_tree(tree, reasons, rules)
    return Intake(tree, Signatures(*source.signatures), reasons, None)


def _native(source: Source, formats: Formats, rules: Rules) -> Intake:
    message, field = tree_pb2.NativeCapture.FromString(source.message), source.field
    form = decode_format(message, field)
    try:
        return take_in(
            message.data,
            format=form,
            dom=message.dom or None,
            frames=tuple(message.frames),
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
