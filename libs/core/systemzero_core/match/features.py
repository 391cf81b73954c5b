"""What of a tree is looked at to tell which screen it is: sets of tokens, computed once.

A feature is a set of tokens. A thing that occurs n times gives `n.bit_length()` tokens (one for
the first, one more at 2, at 4, at 8, …), so that a table of a hundred rows weighs as seven of its
kind and not as a hundred, and so that the overlap of two bags is the overlap of two plain sets.

Names are compared folded: white space collapsed, numbers replaced by `#`, so that "Inbox (3)"
and "Inbox (12)" are one name. Of long texts the first words are looked at.

Invariants:
1. Equal trees have equal features. Order of siblings does not matter.
2. Tokens are `hash` values of this process: comparable within it, never stored or sent.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from systemzero_core.match.page import NO_CLAIMS, Claims, claims_of, page_of
from systemzero_core.match.situation import NO_SITUATION, Seen, Situation, seen_of
from systemzero_core.match.texts import LONGEST, fold, numberless, path_of, words_of
from systemzero_core.template.model import Selector, Template
from systemzero_core.template.patterns import compile_pattern
from systemzero_core.tree import Node, Tree

_SHOWN_REQUIRED = 64
_CELLS = 8
_IDENTIFIERS = frozenset(
    """action automation-id data-cy data-qa data-test data-test-id data-testid id name
    resource-id""".split()  # noqa: SIM905
)


_NUMBER_HOLE = re.compile(r"(?<!\{)\{(?:number|count)\}")

ANCHOR_ROLES = frozenset(
    """alertdialog banner button checkbox columnheader combobox complementary contentinfo dialog
    form heading link listbox main menuitem menuitemcheckbox menuitemradio navigation radio
    radiogroup region search searchbox slider spinbutton switch tab tablist textbox toolbar
    tree""".split()  # noqa: SIM905 - a list of words reads better than a list of quotes
)
"""Roles whose named nodes are required where a template does not say which nodes are."""


class Feature(StrEnum):
    """One aspect under which a capture and a template are compared."""

    REQUIRED_NODES = "required_nodes"
    """Share of the template's required nodes that the capture has. Alone it would let a superset
    pass for the screen; the other features look both ways."""
    STRUCTURE = "structure"
    """Pairs of a role and its parent's role."""
    ROLES = "roles"
    """Roles and how often each occurs."""
    NAMES = "names"
    """The words of the names, numbers aside, whatever they stand on: a control renamed from "Open
    help" to "Show help" keeps a word, where required nodes are compared with their whole name."""
    IDENTIFIERS = "identifiers"
    """Stable ids and the path of the page's address."""
    PAGE = "page"
    """What the page says it is: the end of its address, its title, its main headings."""
    LAYOUT = "layout"
    """Roles in the cells of an 8 by 8 grid laid over the screen."""


TWO_SIDED = (
    Feature.STRUCTURE,
    Feature.ROLES,
    Feature.NAMES,
    Feature.IDENTIFIERS,
    Feature.PAGE,
    Feature.LAYOUT,
)
"""Features compared both ways: what one side has beyond the other costs, on either side."""


class Tokens:
    """One tree's tokens by feature, without duplicates. Immutable.

    Held as arrays of 64-bit integers, 8 bytes a token; a query makes the sets it needs once.

    Attributes:
        arrays: tokens of the features that are compared both ways.
        present: what required nodes are looked for among; empty in a template's tokens.
        claims: what the page says it is.
        situation: what it shows of itself just now.
    """

    __slots__ = ("__dict__", "arrays", "claims", "present", "situation")

    def __init__(
        self,
        arrays: Mapping[Feature, array[int]],
        present: frozenset[int] = frozenset(),
        claims: Claims = NO_CLAIMS,
        situation: Situation = NO_SITUATION,
    ) -> None:
        self.arrays = dict(arrays)
        self.present = present
        self.claims = claims
        self.situation = situation

    @cached_property
    def sets(self) -> dict[Feature, frozenset[int]]:
        """The same tokens as sets."""
        return {feature: frozenset(tokens) for feature, tokens in self.arrays.items()}

    def size(self, feature: Feature) -> int:
        """How many tokens the feature has."""
        return len(self.arrays[feature])


class TemplateTokens:
    """What a template is compared by.

    Attributes:
        tokens: of its baseline; None for a template without one.
        required: one token for each required node.
        labels: readable required nodes in the order of `required`, the first 64 of them.
    """

    __slots__ = ("labels", "required", "tokens")

    def __init__(
        self, tokens: Tokens | None, required: array[int], labels: tuple[str, ...]
    ) -> None:
        self.tokens = tokens
        self.required = required
        self.labels = labels

    @property
    def memory(self) -> int:
        """Bytes that it takes."""
        taken: list[object] = [self.required, *self.labels]
        if self.tokens is not None:
            sets = (*self.tokens.claims, *self.tokens.situation)
            taken += [*self.tokens.arrays.values(), *sets, *chain(*sets)]
        return sum(map(sys.getsizeof, taken))


class RawFeatures(NamedTuple):
    """What tokens are made of: the same in every process, where tokens are of one.

    Attributes:
        counts: how often each thing occurs, by feature.
        named: the named nodes, as roles and folded names.
        roles: the roles of all nodes.
        seen: what a page shows of itself just now.
    """

    counts: Mapping[Feature, Mapping[Hashable, int]]
    named: Collection[tuple[str, str]]
    roles: Collection[str]
    seen: Seen

    def tokens(self) -> Tokens:
        """The tokens, for this process."""
        present = set(map(hash, self.named))
        present.update(map(hash, self.roles))
        # templates of the older layout name their required nodes by name alone
        present.update([hash((name,)) for _, name in self.named])
        arrays = {feature: _levels(counts) for feature, counts in self.counts.items()}
        claims = claims_of(self.counts[Feature.PAGE])
        return Tokens(arrays, frozenset(present), claims, Situation.of(self.seen))


def things_of(tree: Tree, *, layout: bool = False) -> RawFeatures:
    """What the tokens of a tree are made of; see `tokens_of`."""
    named = {(node.role, node.name) for node in tree.nodes if node.name}
    folded = {(role, fold(name)) for role, name in named}
    roles = {node.role for node in tree.nodes}
    return RawFeatures(_counts(tree, layout=layout), folded, roles, seen_of(tree))


def tokens_of(tree: Tree, *, layout: bool = False) -> Tokens:
    """The tokens of a tree in normal form. Linear; about 1 ms for 1,000 nodes.

    Args:
        tree: in normal form; of an empty tree every feature is empty.
        layout: whether boxes are looked at; without, the feature is empty and says nothing.
    """
    return things_of(tree, layout=layout).tokens()


def template_tokens(template: Template, *, layout: bool = False) -> TemplateTokens:
    """The tokens of a template.

    A template that names no required nodes requires the named landmarks, headings and controls
    of its baseline.
    """
    found = _selected(template.required_nodes) if template.required_nodes else _anchors(template)
    return TemplateTokens(
        None if template.tree is None else _tokens(template.tree, layout=layout),
        array("q", found),
        tuple(found.values())[:_SHOWN_REQUIRED],
    )


def _tokens(tree: Tree, *, layout: bool) -> Tokens:
    counts = _counts(tree, layout=layout)
    arrays = {feature: _levels(counted) for feature, counted in counts.items()}
    situation = Situation.of(seen_of(tree))
    return Tokens(arrays, claims=claims_of(counts[Feature.PAGE]), situation=situation)


def _counts(tree: Tree, *, layout: bool) -> dict[Feature, Mapping[Hashable, int]]:
    nodes, parents = tree.nodes, tree.parents
    roles = [node.role for node in nodes]
    above = ["" if parent < 0 else roles[parent] for parent in parents]
    return {
        Feature.STRUCTURE: Counter(zip(above, roles, strict=True)),
        Feature.ROLES: Counter(roles),
        Feature.NAMES: _words(nodes),
        Feature.IDENTIFIERS: _identifiers(nodes),
        Feature.PAGE: page_of(nodes),
        Feature.LAYOUT: _cells(nodes) if layout else {},
    }


def _levels(counts: Mapping[Hashable, int]) -> array[int]:
    tokens = array("q", map(hash, counts))
    for thing, count in counts.items():
        if count > 1:
            tokens.extend([hash((thing, level)) for level in range(1, count.bit_length())])
    return tokens


def _words(nodes: tuple[Node, ...]) -> Counter[Hashable]:
    names = [node.name for node in nodes if node.name]
    words = {name: words_of(name) for name in set(names)}
    return Counter(chain.from_iterable(map(words.__getitem__, names)))


def _identifiers(nodes: tuple[Node, ...]) -> dict[Hashable, int]:
    found: dict[Hashable, int] = {}
    for node in nodes:
        for key, value in node.attributes:
            if key in _IDENTIFIERS:
                found[key, numberless(value[:LONGEST])] = 1
    url = nodes[0].attribute("url") if nodes else None
    if url and (path := path_of(url)):
        found["path", path] = 1
    return found


def _cells(nodes: tuple[Node, ...]) -> Counter[Hashable]:
    screen = nodes[0].bounds if nodes else None
    if screen is None or screen.width <= 0 or screen.height <= 0:
        return Counter()
    left, top, width, height = screen
    return Counter(
        (node.role, (box.x - left) * _CELLS // width, (box.y - top) * _CELLS // height)
        for node in nodes
        if (box := node.bounds) is not None
    )


def _anchors(template: Template) -> dict[int, str]:
    if template.tree is None:
        return {}
    return {
        hash((node.role, fold(node.name))): _label(node.role, node.name)
        for node in template.tree.nodes
        if node.name and node.role in ANCHOR_ROLES
    }


def _selected(selectors: Iterable[Selector]) -> dict[int, str]:
    found: dict[int, str] = {}
    for selector in selectors:
        name = _literal(selector.name)
        if selector.role is None:
            if name:
                found[hash((fold(name),))] = _label("node", name)
        elif name:
            found[hash((selector.role, fold(name)))] = _label(selector.role, name)
        else:
            found[hash(selector.role)] = selector.role
    return found


def _literal(pattern: str | None) -> str | None:
    """The name that a pattern stands for when numbers do not matter; None if there are others."""
    if pattern is None:
        return None
    return compile_pattern(_NUMBER_HOLE.sub("#", pattern)).literal


def _label(role: str, name: str) -> str:
    short = name if len(name) <= 40 else name[:39] + "…"
    return f"{role} “{short}”"
