"""Which parts of a capture are secrets: what always is, and what an installation adds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from systemzero_core.errors import InvalidInput
from systemzero_core.redaction import words
from systemzero_core.tree import Node

_LONGEST = 500


class Selector(NamedTuple):
    """Nodes whose text is a secret: all that is given must hold.

    Attributes:
        role: a role, normal or the platform's own; empty for any.
        name: an expression found in the name; empty for any.
        attribute: the name of an attribute that the node has; empty for none.
        value: an expression found in that attribute; empty for any.
    """

    role: str = ""
    name: str = ""
    attribute: str = ""
    value: str = ""


class _Compiled(NamedTuple):
    role: str
    name: re.Pattern[str] | None
    attribute: str
    value: re.Pattern[str] | None

    def holds(self, node: Node, role: str) -> bool:
        if self.role and self.role not in (role, node.role, node.platform_role):
            return False
        if self.name is not None and self.name.search(node.name) is None:
            return False
        if not self.attribute:
            return True
        found = node.attribute(self.attribute)
        return found is not None and (self.value is None or self.value.search(found) is not None)


class Rules:
    """What is redacted beside what always is: fields of type password, whatever they are called."""

    def __init__(
        self,
        *,
        names: Sequence[str] = (),
        selectors: Iterable[Selector] = (),
        known_names: bool = True,
        card_numbers: bool = True,
    ) -> None:
        """Compiles them.

        Args:
            names: expressions of further names of fields whose values are secrets.
            selectors: further nodes whose text is a secret.
            known_names: whether the names of `words.NAMES` count.
            card_numbers: whether numbers of payment cards are redacted, wherever they stand.

        Raises:
            InvalidInput: an expression is none, or a selector selects every node.
        """
        self.card_numbers = card_numbers
        self._names = [_compiled(name, "names") for name in names]
        if known_names:
            self._names.append(words.NAMES)
        self.selectors = tuple(map(_selector, selectors))

    def names_a_secret(self, text: str) -> bool:
        """Whether `text` is what a field for a secret is called."""
        return any(name.search(text) for name in self._names)


def _selector(given: Selector) -> _Compiled:
    if not any(given):
        raise InvalidInput.at("selectors", "a selector without a condition selects every node")
    if given.value and not given.attribute:
        raise InvalidInput.at("selectors", "a value of which attribute?")
    name = _compiled(given.name, "selectors.name") if given.name else None
    value = _compiled(given.value, "selectors.value") if given.value else None
    return _Compiled(given.role, name, given.attribute, value)


def _compiled(expression: str, field: str) -> re.Pattern[str]:
    if not expression or len(expression) > _LONGEST:
        raise InvalidInput.at(field, f"an expression has 1 to {_LONGEST} characters")
    try:
        return re.compile(expression, re.IGNORECASE)
    except re.error as error:
        raise InvalidInput.at(field, f"{expression!r:.80} is no expression: {error}") from None


DEFAULT = Rules()
"""What is redacted where nothing is set."""
