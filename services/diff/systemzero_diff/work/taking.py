"""Trees taken in, for whoever matches or judges them, and what they are matched by."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import msgspec

from systemzero_base.lanes.worker import WorkContext
from systemzero_base.plugins import lane_formats
from systemzero_base.settings.redacting import rules_of
from systemzero_core.errors import TooLarge
from systemzero_core.formats import own
from systemzero_core.intake import Intake
from systemzero_core.match.features import TWO_SIDED, Feature, RawFeatures, things_of
from systemzero_core.signature import Signatures
from systemzero_core.tree import Tree
from systemzero_diff.model import Source
from systemzero_diff.work.sources import document_of, taken_in

MOST_THINGS = 200_000
"""What a tree is matched by is no more than this: words, identifiers, pairs of roles."""


class TakenTree(msgspec.Struct, frozen=True, array_like=True):
    """A tree taken in.

    Attributes:
        signatures: full, structure and content digest.
        reasons: sentences: why it is incomplete.
        document: the tree as own tree JSON, or nothing where it was not asked for.
        things: what it is matched by, encoded, or nothing.
    """

    signatures: tuple[bytes, bytes, bytes]
    reasons: tuple[str, ...]
    document: bytes = b""
    things: bytes = b""

    @classmethod
    def decoded(cls, encoded: bytes) -> TakenTree:
        """What `take` made."""
        return msgspec.msgpack.decode(encoded, type=cls)

    @property
    def of_tree(self) -> Signatures:
        """The signatures."""
        return Signatures(*self.signatures)


class WantedParts(NamedTuple):
    """What of a `TakenTree` is asked for; with `layout`, boxes are among its things."""

    document: bool = False
    things: bool = False
    layout: bool = False


def take(_desk: WorkContext, source: Source, told: bytes, asked: WantedParts) -> bytes:
    """A `TakenTree` of `source`, encoded."""
    intake = taken_in(source, lane_formats(), rules_of(told))
    return msgspec.msgpack.encode(
        TakenTree(
            (*intake.signatures,),
            reasons_of(intake),
            own.encode(intake.tree) if asked.document else b"",
            encode_things(intake.tree, layout=asked.layout) if asked.things else b"",
        )
    )


def unpack(_desk: WorkContext, source: Source) -> bytes:
    """The own tree JSON of a stored capture."""
    return document_of(source)


def reasons_of(intake: Intake) -> tuple[str, ...]:
    """Why it is incomplete, in sentences."""
    return tuple(reason.detail for reason in intake.incompleteness)


class _Told(msgspec.Struct, frozen=True, array_like=True):
    structure: Mapping[tuple[str, str], int]
    roles: Mapping[str, int]
    names: Mapping[str, int]
    identifiers: Mapping[tuple[str, str], int]
    page: Mapping[tuple[str, str], int]
    layout: Mapping[tuple[str, int, int], int]
    named: frozenset[tuple[str, str]]
    present: frozenset[str]
    seen: frozenset[tuple[str, str]]


def encode_things(tree: Tree, *, layout: bool) -> bytes:
    """What `tree` is matched by, for `decode_things` in another process.

    Raises:
        TooLarge: more than trees are matched by.
    """
    things = things_of(tree, layout=layout)
    count = sum(map(len, things.counts.values())) + len(things.named) + len(things.seen)
    if count > MOST_THINGS:
        limit = {"limit": str(MOST_THINGS), "actual": str(count)}
        raise TooLarge(f"the tree has {count:,} different texts to be matched by", metadata=limit)
    counts: Any = [things.counts[feature] for feature in TWO_SIDED]
    return msgspec.msgpack.encode([*counts, things.named, things.roles, things.seen])


def decode_things(encoded: bytes) -> RawFeatures:
    """What was encoded."""
    told = _decode(encoded)
    each: tuple[Mapping[Any, int], ...] = (
        *(told.structure, told.roles, told.names, told.identifiers, told.page, told.layout),
    )
    counts: dict[Feature, Mapping[Hashable, int]] = dict(zip(TWO_SIDED, each, strict=True))
    return RawFeatures(counts, told.named, told.present, told.seen)


_decode = msgspec.msgpack.Decoder(_Told).decode
