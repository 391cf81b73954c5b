"""Trees and signatures between the contract and the domain.

Decoding checks everything that came from outside: parents, order, bounds, digests' lengths.
"""

from __future__ import annotations

from systemzero.tree.v1 import tree_pb2
from systemzero_core.completeness import Incompleteness, Reason
from systemzero_core.errors import InvalidInput, MalformedTree, TooLarge
from systemzero_core.formats import NAME, Format
from systemzero_core.signature import Signatures
from systemzero_core.tree import MAX_NODES, Bounds, Node, Tree

DIGEST_BYTES = 32
MAX_TREE_BYTES = 6_500_000
"""What the message of a stored tree has at most: an answer has room for it beside a verdict."""
MAX_FRAMES = 1_000
"""Child frames of a capture: of empty ones there may be millions in a request."""
_JSON_PER_BYTE = 3
"""A byte of own tree JSON makes fewer than so many of the message: of a node 24 at least stand
there, and the message may take 46 more for its box alone."""

_FORMATS: dict[tree_pb2.Format.ValueType, Format | None] = {
    tree_pb2.FORMAT_UNSPECIFIED: None,
    tree_pb2.FORMAT_CDP: Format.CDP,
    tree_pb2.FORMAT_ARIA: Format.ARIA,
    tree_pb2.FORMAT_UIAUTOMATOR: Format.UIAUTOMATOR,
    tree_pb2.FORMAT_APPIUM_IOS: Format.APPIUM_IOS,
    tree_pb2.FORMAT_APPIUM_WINDOWS: Format.APPIUM_WINDOWS,
    tree_pb2.FORMAT_ATSPI: Format.ATSPI,
    tree_pb2.FORMAT_TREE: Format.TREE,
}
_FORMAT_VALUES: dict[str | None, tree_pb2.Format.ValueType] = {
    form: value for value, form in _FORMATS.items()
}


def decode_tree(message: tree_pb2.Tree, field: str) -> Tree:
    """The tree in `message`; `field` is its path in the request, for errors.

    Raises:
        TooLarge: more than 200,000 nodes.
        MalformedTree: parents that make no tree in document order.
        InvalidInput: a box with a negative width or height.
    """
    if len(message.nodes) > MAX_NODES:
        actual = {"limit": str(MAX_NODES), "actual": str(len(message.nodes))}
        raise TooLarge(f"{field}: more than {MAX_NODES} nodes", metadata=actual)
    nodes = [_decode_node(node, field, i) for i, node in enumerate(message.nodes)]
    try:
        return Tree.checked(nodes, [node.parent for node in message.nodes])
    except MalformedTree as error:
        violations = [v._replace(field=f"{field}.{v.field}") for v in error.violations]
        raise MalformedTree(f"{field}.{error.message}", violations) from None


def _decode_node(node: tree_pb2.Node, field: str, index: int) -> Node:
    return Node(
        role=node.role,
        name=node.name,
        value=node.value,
        states=tuple(sorted(set(node.states))) if node.states else (),
        bounds=_decode_bounds(node.bounds, field, index) if node.HasField("bounds") else None,
        attributes=tuple(sorted({a.name: a.value for a in node.attributes}.items()))
        if node.attributes
        else (),
        platform_role=node.platform_role,
    )


def _decode_bounds(box: tree_pb2.Bounds, field: str, index: int) -> Bounds:
    if box.width < 0 or box.height < 0:
        wrong = f"{field}.nodes[{index}].bounds"
        raise InvalidInput.at(wrong, "width and height must not be negative")
    return Bounds(box.x, box.y, box.width, box.height)


def check_readable(tree: Tree, document_bytes: int, beside: int = 0) -> None:
    """Hold a tree that is to be stored against what an answer has room for.

    `document_bytes` are those of its own tree JSON: the message is made only where they are many.
    `beside` bytes are answered together with it, apart from what any answer has.

    Raises:
        TooLarge: it could never be read back.
    """
    limit = MAX_TREE_BYTES - beside
    if document_bytes * _JSON_PER_BYTE <= limit:
        return
    actual = encode_tree(tree).ByteSize()
    if actual > limit:
        raise TooLarge(
            f"the tree has {actual:,} bytes as a message, and could not be read back: "
            f"no answer has room for more than {max(0, limit):,}",
            metadata={"limit": str(max(0, limit)), "actual": str(actual)},
        )


def encode_tree(tree: Tree) -> tree_pb2.Tree:
    """`tree` as a message."""
    return tree_pb2.Tree(
        nodes=[
            encode_node(node, parent) for node, parent in zip(tree.nodes, tree.parents, strict=True)
        ]
    )


def encode_node(node: Node, parent: int) -> tree_pb2.Node:
    """`node` as a message; `parent` is an index in the list that it stands in, or -1."""
    message = tree_pb2.Node(
        parent=parent,
        role=node.role,
        name=node.name,
        value=node.value,
        states=node.states,
        platform_role=node.platform_role,
    )
    if node.bounds is not None:
        x, y, width, height = node.bounds
        message.bounds.x, message.bounds.y = x, y
        message.bounds.width, message.bounds.height = width, height
        message.bounds.SetInParent()
    for name, value in node.attributes:
        message.attributes.add(name=name, value=value)
    return message


def decode_digest(digest: bytes, field: str) -> bytes:
    """`digest`, which must have 32 bytes.

    Raises:
        InvalidInput: it has not.
    """
    if len(digest) != DIGEST_BYTES:
        raise InvalidInput.at(field, f"must have {DIGEST_BYTES} bytes, has {len(digest)}")
    return digest


def decode_signatures(message: tree_pb2.Signatures, field: str) -> Signatures:
    """The signatures in `message`.

    Raises:
        InvalidInput: a digest has not 32 bytes.
    """
    return Signatures(
        full=decode_digest(message.full, f"{field}.full"),
        structure=decode_digest(message.structure, f"{field}.structure"),
        content=decode_digest(message.content, f"{field}.content"),
    )


def encode_signatures(signatures: Signatures) -> tree_pb2.Signatures:
    """`signatures` as a message."""
    return tree_pb2.Signatures(
        full=signatures.full, structure=signatures.structure, content=signatures.content
    )


_REASON = "INCOMPLETENESS_REASON_"


def encode_incompleteness(reason: str, detail: str) -> tree_pb2.Incompleteness:
    """One reason, a word of `Reason`, as a message."""
    value = tree_pb2.IncompletenessReason.Value(_REASON + reason.upper().replace("-", "_"))
    return tree_pb2.Incompleteness(reason=value, detail=detail)


def decode_incompleteness(message: tree_pb2.Incompleteness, field: str) -> Incompleteness:
    """The reason in `message`; its word stands for a detail that is not there.

    Raises:
        InvalidInput: it is no reason.
    """
    if message.reason not in tree_pb2.IncompletenessReason.values():
        raise InvalidInput.at(f"{field}.reason", f"{message.reason} is no reason")
    name = tree_pb2.IncompletenessReason.Name(message.reason)
    word = name.removeprefix(_REASON).lower().replace("_", "-")
    if word not in frozenset(Reason):
        raise InvalidInput.at(f"{field}.reason", "required")
    return Incompleteness(Reason(word), message.detail or word)


def decode_format(message: tree_pb2.NativeCapture, field: str) -> str | None:
    """The format that `message` names; None to have it detected. `field` is its path.

    Raises:
        InvalidInput: none of the contract's, or an extension without a name that may be one.
    """
    if message.format == tree_pb2.FORMAT_EXTENSION:
        if not NAME.fullmatch(message.format_name):
            what = "required with FORMAT_EXTENSION: small letters, digits, dashes, at most 40"
            raise InvalidInput.at(f"{field}.format_name", what)
        return message.format_name
    if message.format_name:
        raise InvalidInput.at(f"{field}.format_name", "only with FORMAT_EXTENSION")
    if message.format not in _FORMATS:
        raise InvalidInput.at(f"{field}.format", f"{message.format} is no format")
    return _FORMATS[message.format]


def decode_frames(message: tree_pb2.NativeCapture, field: str) -> tuple[bytes, ...]:
    """The documents of child frames. `field` is the path of `message`.

    Raises:
        InvalidInput: there are more than any page has.
    """
    if len(message.frames) > MAX_FRAMES:
        what = f"at most {MAX_FRAMES:,}, not {len(message.frames):,}"
        raise InvalidInput.at(f"{field}.frames", what)
    return tuple(message.frames)


def encode_format(form: str | None) -> tuple[tree_pb2.Format.ValueType, str]:
    """`form` as a value of the contract, and its name where it is an extension."""
    value = _FORMAT_VALUES.get(form)
    return (tree_pb2.FORMAT_EXTENSION, form or "") if value is None else (value, "")
