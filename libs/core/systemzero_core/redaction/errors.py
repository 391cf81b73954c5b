"""Errors about a document that may hold a secret: they quote nothing of it.

An error shows what stands where the document is wrong, and a document that can't be read has no
fields by which its secrets are known. So where it speaks of a password at all, or holds the number
of a card, what follows the first quotation mark is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from systemzero_core.errors import FieldViolation, InvalidInput
from systemzero_core.redaction import words
from systemzero_core.redaction.cards import card_numbers_in
from systemzero_core.redaction.rules import Rules

_QUOTE: Final = re.compile("['\"«“‘`]")
_LEFT_OUT: Final = "… (not quoted: the document speaks of a password or a card)"


def unquoted(error: InvalidInput, parts: Iterable[bytes], rules: Rules) -> InvalidInput:
    """`error`, without what it quotes of `parts` where these speak of secrets."""
    if not _QUOTE.search(error.message) or not any(
        speaks_of_secrets(part, rules) for part in parts
    ):
        return error
    violations = [FieldViolation(v.field, _cut(v.description)) for v in error.violations]
    first = violations[0] if violations else None
    message = f"{first.field}: {first.description}" if first else _cut(error.message)
    return type(error)(message, violations, metadata=error.metadata)


def speaks_of_secrets(part: bytes, rules: Rules) -> bool:
    """Whether a document, read or not, may hold a secret."""
    text = part.replace(b"\0", b"").decode("utf-8", "ignore")  # UTF-16 as well, near enough
    if rules.names_a_secret([text]) or words.KINDS.search(text) or '"protected"' in text:
        return True
    return rules.card_numbers and bool(card_numbers_in(text))


def _cut(text: str) -> str:
    found = _QUOTE.search(text)
    return text if found is None else text[: found.start()] + _LEFT_OUT
