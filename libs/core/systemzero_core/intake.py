"""The way of a capture up to its signatures, whoever takes it in: service, client or test.

native document -> tree -> without its secrets -> completeness gate -> normal form -> signatures
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from systemzero_core.completeness import Incompleteness, assess
from systemzero_core.errors import InvalidInput, TruncatedInput
from systemzero_core.formats import BUILT_IN, Formats, Gap, GapKind
from systemzero_core.normalize import normalize
from systemzero_core.redaction import DEFAULT, Rules, redact, unquoted
from systemzero_core.signature import Signatures, sign
from systemzero_core.tree import Tree


class Intake(NamedTuple):
    """A capture taken in.

    Attributes:
        tree: the tree in normal form.
        signatures: of `tree`.
        incompleteness: why it can't be judged; empty for a complete capture.
        format: the format it came in; None where a tree was given, or none could be told.
        secrets: the texts that were taken out of it; they are not to be kept.
    """

    tree: Tree
    signatures: Signatures
    incompleteness: tuple[Incompleteness, ...]
    format: str | None
    secrets: frozenset[str] = frozenset()


def take_in(
    data: bytes,
    *,
    format: str | None = None,  # noqa: A002 - as in `formats.parse`
    dom: bytes | None = None,
    frames: Sequence[bytes] = (),
    formats: Formats = BUILT_IN,
    rules: Rules = DEFAULT,
) -> Intake:
    """Take in a native document. One that ends too early is an empty, incomplete capture.

    Raises:
        InvalidInput: the document is malformed; the error names the line, field or node.
        TooLarge: it has too many bytes or nodes.
    """
    try:
        parsed = formats.parse(data, format=format, dom=dom, frames=frames)
    except InvalidInput as error:
        told = unquoted(error, (data, dom or b"", *frames), rules)
        if not isinstance(told, TruncatedInput):
            raise told from None
        gap = Gap(GapKind.TRUNCATION, told.message)
        return _take_in(Tree((), ()), (gap,), format, rules)
    return _take_in(parsed.tree, parsed.gaps, parsed.format, rules, parsed.secrets)


def take_in_tree(
    tree: Tree, known: Sequence[Incompleteness] = (), rules: Rules = DEFAULT
) -> Intake:
    """Take in a tree that is one already; normalising a normal form changes nothing.

    `known` is what it was told to lack when it was read: a normal form no longer shows that.
    """
    taken = _take_in(tree, (), None, rules)
    return taken._replace(incompleteness=tuple(dict.fromkeys((*known, *taken.incompleteness))))


def equal(a: Intake, b: Intake) -> bool:
    """Whether both captures are whole and show the same: what is not known of one may differ."""
    whole = not a.incompleteness and not b.incompleteness
    return whole and a.signatures.full == b.signatures.full


def _take_in(
    tree: Tree, gaps: Sequence[Gap], form: str | None, rules: Rules, known: Sequence[str] = ()
) -> Intake:
    redacted = redact(tree, rules, known)
    if redacted.secrets:
        gaps = [gap._replace(detail=_without_quotes(gap.detail)) for gap in gaps]
    incompleteness = assess(redacted.tree, gaps)
    normal = normalize(redacted.tree)
    return Intake(normal, sign(normal), incompleteness, form, redacted.secrets)


def _without_quotes(detail: str) -> str:
    """What a gap says, without what it quotes: a quote is cut, and so may be a secret in it."""
    quotes = [at for at in map(detail.find, "'\"") if at >= 0]
    return f"{detail[: min(quotes)].rstrip(' (')} …" if quotes else detail
