"""A tree without the secrets in it.

1. What is typed into a secret's field is dropped: its value, and the texts below it. A field that
   is filled equals one that is empty, so that typing is no drift and no length is told.
2. Every other text that repeats such a value has a mark in its place.
3. A tree without a secret is the very same object; so is one that was redacted before, as a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from systemzero_core.normalize.roles import aria_role
from systemzero_core.redaction import words
from systemzero_core.redaction.cards import SHORTEST, card_numbers_in
from systemzero_core.redaction.rules import DEFAULT, Rules
from systemzero_core.redaction.texts import ALONE, MARK, without
from systemzero_core.tree import Node, Tree

_FIELDS = frozenset(("textbox", "searchbox", "spinbutton", "combobox"))
_TEXTS = frozenset(("text", "generic", "inlinetext", "paragraph", *_FIELDS))
_CANDIDATES = words.STATES | {"editable"}
_OF_PASSWORD = ("type", "password")


class Redacted(NamedTuple):
    """A tree without its secrets.

    Attributes:
        tree: the tree; the very same object where nothing was found.
        secrets: the texts that were taken out, as they were written; empty for none.
    """

    tree: Tree
    secrets: frozenset[str]


def redact(tree: Tree, rules: Rules = DEFAULT, known: Iterable[str] = ()) -> Redacted:
    """`tree`, as its parser left it or in normal form, without its secrets.

    `known` are secrets that stand beside the tree, in a page's DOM.
    """
    fields = _fields_of(tree, rules)
    typed = dict(_emptied(tree, fields))
    typed.update(_selected(tree, rules))
    secrets = {text for _, texts in typed.values() for text in texts}
    secrets.update(known, _cards(tree.nodes) if rules.card_numbers else ())
    secrets.difference_update(("", MARK))
    if not (secrets or typed):
        return Redacted(tree, frozenset())
    nodes = list(tree.nodes)
    for i, (node, _) in typed.items():
        nodes[i] = node
    spread = {text for text in secrets if len(text) >= ALONE and not _is_shown_empty(text)}
    if spread:
        nodes = _cleaned(nodes, spread)
    return Redacted(Tree(nodes, tree.parents), frozenset(secrets))


def _is_shown_empty(text: str) -> bool:
    """Whether a field's text is no secret itself: bullets, or the hint of an empty field."""
    hint = text.strip(" *:.…")
    return bool(words.MASKED.fullmatch(text) or words.NAMES.fullmatch(hint))


_REMEMBERED = 100
"""A role of more characters is looked up each time: a cache of long ones has no bound in bytes."""


def _normal(role: str) -> str:
    return _known(role) if len(role) <= _REMEMBERED else aria_role(role)


_known = lru_cache(4096)(aria_role)


def _fields_of(tree: Tree, rules: Rules) -> list[int]:
    """The fields whose value is a secret, in document order."""
    nodes = tree.nodes
    fields = {role for role in {node.role for node in nodes} if _normal(role) in _FIELDS}
    found = [
        i
        for i, node in enumerate(nodes)
        if node.role in fields
        or (node.states and not _CANDIDATES.isdisjoint(node.states))
        or (node.attributes and _OF_PASSWORD in node.attributes)
    ]
    return [i for i in found if _may_hold(tree, i) and _is_secret(tree, i, rules)]


def _may_hold(tree: Tree, index: int) -> bool:
    """Whether there is anything to take out of a field, or of what is below it."""
    node = tree.nodes[index]
    if node.value or (index + 1 < len(tree) and tree.parents[index + 1] == index):
        return True
    return any(_repeats(name) for name, _ in node.attributes)


def _is_secret(tree: Tree, index: int, rules: Rules) -> bool:
    node = tree.nodes[index]
    if not words.STATES.isdisjoint(node.states) or words.MASKED.fullmatch(node.value):
        return True
    if words.KINDS.search(node.role) or words.KINDS.search(node.platform_role):
        return True
    if any(_tells(name, value) for name, value in node.attributes):
        return True
    labels = [value for name, value in node.attributes if name in words.LABELS]
    before = _before(tree, index) if index and not node.name else ""
    return rules.names_a_secret([node.name, before, *labels])


def _tells(attribute: str, value: str) -> bool:
    """Whether an attribute says that what is typed is a secret."""
    if attribute == "type":
        return value.strip().lower() == "password"
    if attribute == "autocomplete":
        return not words.AUTOCOMPLETE.isdisjoint(value.lower().split())
    return attribute == "class" and words.KINDS.search(value) is not None


def _before(tree: Tree, index: int) -> str:
    """What the text right before a field without a name says: that is its label to the eye."""
    before = tree.nodes[index - 1]
    return before.name if _normal(before.role) == "text" else ""


_Change = tuple[int, tuple[Node, list[str]]]


def _emptied(tree: Tree, fields: Iterable[int]) -> Iterator[_Change]:
    """The fields without what is typed into them, and the texts below them; with what that was."""
    done = 0
    for i in fields:
        if i < done:
            continue
        field, done = tree.nodes[i], tree.ends[i]
        # What the field says of itself is no secret, and shows where it is empty, too.
        said = {field.name, field.attribute("placeholder") or ""} - {field.value}
        yield from _change(i, field, field.name, said)
        for below in range(i + 1, done):
            node = tree.nodes[below]
            if _normal(node.role) in _TEXTS:
                yield from _change(below, node, node.name if node.name in said else "", said)


def _change(index: int, node: Node, name: str, said: set[str]) -> Iterator[_Change]:
    """`node` with this name and without a value, where that changes it."""
    left = tuple((key, value) for key, value in node.attributes if not _repeats(key))
    typed = [value for key, value in node.attributes if _repeats(key)]
    typed += [text for text in (node.value, node.name) if text and text != name]
    if typed:
        changed = replace(node, name=name, value="", attributes=left)
        yield index, (changed, [text for text in typed if text not in said])


def _repeats(attribute: str) -> bool:
    return attribute.lower().replace("-", "").replace("_", "") in words.VALUES


def _selected(tree: Tree, rules: Rules) -> Iterator[_Change]:
    """The nodes that the rules select, their texts marked."""
    if not rules.selectors:
        return
    done = 0  # what stands in a selected field goes with it
    for i, node in enumerate(tree.nodes):
        role = _normal(node.role)
        if any(selector.holds(node, role) for selector in rules.selectors):
            if role in _FIELDS:
                if i >= done:
                    done = tree.ends[i]
                    yield from _emptied(tree, [i])
            elif node.name or node.value:
                marked = replace(node, name=MARK if node.name else "", value="")
                yield i, (marked, [node.name, node.value])


def _cards(nodes: Sequence[Node]) -> set[str]:
    texts = [node.name for node in nodes if len(node.name) >= SHORTEST]
    texts += [node.value for node in nodes if len(node.value) >= SHORTEST]
    texts += [text for node in nodes for _, text in node.attributes if len(text) >= SHORTEST]
    return card_numbers_in("\n".join(texts)) if texts else set()


def _cleaned(nodes: list[Node], secrets: set[str]) -> list[Node]:
    texts: list[str] = []
    for node in nodes:
        texts.append(node.name)
        texts.append(node.value)
        texts.extend(value for _, value in node.attributes)
    left = iter(without(texts, secrets))
    cleaned = []
    for node in nodes:
        name, value = next(left), next(left)
        attributes = tuple((key, next(left)) for key, _ in node.attributes)
        if (name, value, attributes) != (node.name, node.value, node.attributes):
            node = replace(node, name=name, value=value, attributes=attributes)
        cleaned.append(node)
    return cleaned
