"""A JSON reader (RFC 8259) with a stack of its own, for input nested deeper than the interpreter's.

Invariants:
1. A container is put into its owner when it opens, so closing it is a pop: no recursion anywhere.
2. Each state reads one token and returns the next state; None means that the text is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any

from systemzero_core.errors import InvalidInput, TooLarge, TruncatedInput
from systemzero_core.formats._utf8 import joined
from systemzero_core.tree import MAX_NODES

_TOKEN = re.compile(
    r"[ \t\n\r]*(?:(?P<mark>[{}\[\],:\"])"
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<word>true|false|null))"
)
_BLANK = re.compile(r"[ \t\n\r]*")
_CUT_WORD = re.compile(r"[ \t\n\r]*(?:t|tr|tru|f|fa|fal|fals|n|nu|nul|-)?\Z")
_CUT_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,4})?\Z")
_WORDS = {"true": True, "false": False, "null": None}

_MAX_DEPTH = 2 * MAX_NODES + 100
"""A node and its list of children are two levels, so a tree of `MAX_NODES` fits at any depth."""

_State = Callable[[str, str], Any]


def loads(text: str, what: str) -> Any:
    """The value of `text`; `what` names the input in errors.

    Raises:
        TooLarge: it nests deeper than any tree could.
        TruncatedInput: the text ends inside the value.
        InvalidInput: the text is no JSON.
    """
    return _Reader(text, what).read()


class _Reader:
    def __init__(self, text: str, what: str) -> None:
        self._text = text
        self._what = what
        self._at = 0
        self._key = ""
        self._root: list[Any] = []
        self._stack: list[Any] = [self._root]

    def read(self) -> Any:
        state: _State | None = self._value
        while state is not None:
            state = state(*self._token())
        if _BLANK.match(self._text, self._at).end() != len(self._text):  # type: ignore[union-attr]
            raise self._broken("trailing characters")
        return self._root[0]

    def _token(self) -> tuple[str, str]:
        """The next text: its kind (`mark`, `number`, `word`) and text."""
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            if _CUT_WORD.match(self._text, self._at):
                raise self._truncated()
            raise self._broken("invalid character")
        self._at = found.end()
        kind = found.lastgroup or ""
        return kind, found[kind]

    def _value(self, kind: str, text: str) -> _State | None:
        if kind == "number":
            return self._put(self._number(text))
        if kind == "word":
            return self._put(_WORDS[text])
        if text == '"':
            return self._put(self._string())
        if text not in "{[":
            raise self._broken("expected a value")
        container: Any = {} if text == "{" else []
        self._put(container)
        self._stack.append(container)
        if len(self._stack) > _MAX_DEPTH:
            raise TooLarge(
                f"{self._what}: nested deeper than {_MAX_DEPTH}",
                metadata={"limit": str(_MAX_DEPTH)},
            )
        return self._first_name if text == "{" else self._first_item

    def _first_item(self, kind: str, text: str) -> _State | None:
        return self._close() if text == "]" else self._value(kind, text)

    def _first_name(self, kind: str, text: str) -> _State | None:
        return self._close() if text == "}" else self._name(kind, text)

    def _name(self, _kind: str, text: str) -> _State | None:
        if text != '"':
            raise self._broken("expected a name")
        self._key = self._string()
        return self._colon

    def _colon(self, _kind: str, text: str) -> _State | None:
        if text != ":":
            raise self._broken("expected a colon")
        return self._value

    def _after(self, _kind: str, text: str) -> _State | None:
        inside_object = isinstance(self._stack[-1], dict)
        if text == ",":
            return self._name if inside_object else self._value
        if text != ("}" if inside_object else "]"):
            raise self._broken("expected a comma or an end")
        return self._close()

    def _close(self) -> _State | None:
        self._stack.pop()
        return self._after if len(self._stack) > 1 else None

    def _put(self, value: Any) -> _State | None:
        owner = self._stack[-1]
        if isinstance(owner, dict):
            owner[self._key] = value
        else:
            owner.append(value)
        return self._after if len(self._stack) > 1 else None

    def _string(self) -> str:
        try:
            value, self._at = scanstring(self._text, self._at, False)
        except JSONDecodeError as error:
            if error.msg.startswith("Unterminated") or _CUT_ESCAPE.search(self._text[-6:]):
                raise self._truncated() from None
            raise self._broken(error.msg) from None
        return joined(str(value))

    def _number(self, text: str) -> int | float:
        try:
            return int(text) if text.lstrip("-").isdigit() else float(text)
        except ValueError:
            raise self._broken("a number with too many digits") from None

    def _truncated(self) -> TruncatedInput:
        description = "the JSON is truncated: it ends before it is complete"
        return TruncatedInput.at(self._what, description)

    def _broken(self, description: str) -> InvalidInput:
        return InvalidInput.at(self._what, f"no JSON: {description} (character {self._at})")
