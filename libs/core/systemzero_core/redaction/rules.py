"""Which parts of a capture are secrets: what always is, and what an installation adds.

Configured expressions are RE2's: no capture can make one slow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from systemzero_core.errors import InvalidInput, quote
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


_Found = Callable[[str], bool]
"""Whether an expression is found in a text."""


class _Compiled(NamedTuple):
    role: str
    name: _Found | None
    attribute: str
    value: _Found | None

    def holds(self, node: Node, role: str) -> bool:
        if self.role and self.role not in (role, node.role, node.platform_role):
            return False
        if self.name is not None and not self.name(node.name):
            return False
        if not self.attribute:
            return True
        found = node.attribute(self.attribute)
        return found is not None and (self.value is None or self.value(found))


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
        self._known_names = known_names
        self.selectors = tuple(map(_selector, selectors))

    def names_a_secret(self, labels: Sequence[str]) -> bool:
        """Whether one of `labels` is what a field for a secret is called."""
        if self._known_names and words.NAMES.search("\n".join(labels)):
            return True
        return any(found(label) for found in self._names for label in labels)


def _selector(given: Selector) -> _Compiled:
    if not any(given):
        raise InvalidInput.at("selectors", "a selector without a condition selects every node")
    if given.value and not given.attribute:
        raise InvalidInput.at("selectors", "a value of which attribute?")
    name = _compiled(given.name, "selectors.name") if given.name else None
    value = _compiled(given.value, "selectors.value") if given.value else None
    return _Compiled(given.role, name, given.attribute, value)


def _compiled(expression: str, field: str) -> _Found:
    import re2  # most have none

    if not 1 <= len(expression) <= _LONGEST:
        raise InvalidInput.at(field, f"an expression has 1 to {_LONGEST} characters")
    options = re2.Options()
    options.case_sensitive, options.log_errors = False, False
    try:
        pattern = re2.compile(expression.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if isinstance(error, re2.error) else b"a lone surrogate"
        raise InvalidInput.at(
            field, f"{quote(expression)} is no expression: {said.decode()}"
        ) from None
    return lambda text: pattern.search(text.encode("utf-8", "replace")) is not None


DEFAULT = Rules()
"""What is redacted where nothing is set."""
