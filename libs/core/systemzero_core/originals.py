"""A native document without its secrets, to be kept or sent in the place of what came.

Documents are rewritten as texts, and what comes out is believed only when it was read again:
1. it reads as the same screen, digest by digest;
2. no secret is in it, nor in what its escapes stand for.
Where either can't be shown, there is no such document, and none is kept.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from systemzero_core.errors import DomainError
from systemzero_core.formats import BUILT_IN, Format, Formats
from systemzero_core.formats._ariatext import unescaped
from systemzero_core.formats._utf8 import utf8_of
from systemzero_core.intake import Intake, take_in
from systemzero_core.redaction import DEFAULT, MARK, Rules, speaks_of_secrets
from systemzero_core.redaction.texts import INSIDE, is_among, without

_JSON: Final = frozenset((Format.CDP, Format.ATSPI, Format.TREE))
_TEXT: Final = frozenset(
    (Format.ARIA, Format.UIAUTOMATOR, Format.APPIUM_IOS, Format.APPIUM_WINDOWS)
)
_SEVERAL: Final = 200
"""Secrets that a document may hold and still be rewritten."""


class Document(NamedTuple):
    """A native document; see `formats.parse`."""

    data: bytes
    format: str | None = None
    dom: bytes | None = None
    frames: tuple[bytes, ...] = ()


class Clean(NamedTuple):
    """What may be kept of a document.

    Attributes:
        document: the document without its secrets, the very same object where it has none; None
            where it can't be shown that there is one.
        has_secrets: whether there are any, as far as can be told.
    """

    document: Document | None
    has_secrets: bool


def clean(document: Document, *, formats: Formats = BUILT_IN, rules: Rules = DEFAULT) -> Clean:
    """What may be kept of `document`.

    Raises:
        InvalidInput, TooLarge: as `take_in`.
    """
    taken = _taken(document, formats, rules)
    if taken.format is None or not len(taken.tree):
        # It could not be read to its end, so that nobody knows which of its texts are typed.
        suspect = any(speaks_of_secrets(part, rules) for part in _parts(document))
        return Clean(None if suspect else document, suspect)
    if not taken.secrets:
        return Clean(document, has_secrets=False)
    return Clean(_rewritten(document, taken, formats, rules), has_secrets=True)


def _taken(document: Document, formats: Formats, rules: Rules) -> Intake:
    return take_in(
        document.data,
        format=document.format,
        dom=document.dom,
        frames=document.frames,
        formats=formats,
        rules=rules,
    )


def _parts(document: Document) -> Iterator[bytes]:
    yield document.data
    if document.dom is not None:
        yield document.dom
    yield from document.frames


def _rewritten(
    document: Document, taken: Intake, formats: Formats, rules: Rules
) -> Document | None:
    rewrite = _json_without if taken.format in _JSON else _text_without
    if taken.format not in (*_JSON, *_TEXT) or len(taken.secrets) > _SEVERAL:
        return None
    try:
        made = Document(
            rewrite(document.data, taken.secrets),
            taken.format,
            None if document.dom is None else rewrite(document.dom, taken.secrets),
            tuple(rewrite(frame, taken.secrets) for frame in document.frames),
        )
        again = _taken(made, formats, rules)
    except (DomainError, msgspec.MsgspecError, ValueError, RecursionError):
        return None
    reads = _json_texts if taken.format in _JSON else _readings
    same = again.signatures == taken.signatures and _reasons(again) == _reasons(taken)
    if not same or any(is_among(reads(part), taken.secrets) for part in _parts(made)):
        return None
    return made if not again.secrets - {MARK} else None


def _reasons(taken: Intake) -> list[str]:
    return [why.reason for why in taken.incompleteness]


def _json_without(data: bytes, secrets: frozenset[str]) -> bytes:
    """JSON, every text and name in it without secrets."""
    value = msgspec.json.decode(utf8_of(data).removeprefix(b"\xef\xbb\xbf"))
    cleaned = iter(_replaced(_texts_of(value), secrets))
    return msgspec.json.encode(_mapped(value, lambda _: next(cleaned)))


def _replaced(texts: list[str], secrets: frozenset[str]) -> list[str]:
    """As `without`, and where a short secret is a text's whole, that goes, too."""
    return [MARK if text in secrets else text for text in without(texts, secrets)]


def _mapped(value: Any, change: Callable[[str], Any]) -> Any:
    """`value` with every text in it changed; nested no deeper than msgspec reads."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): _mapped(item, change) for key, item in value.items()}
    return value


def _texts_of(value: Any) -> list[str]:
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    _mapped(value, note)
    return texts


def _json_texts(data: bytes) -> list[str]:
    return _texts_of(msgspec.json.decode(data))


def _text_without(data: bytes, secrets: frozenset[str]) -> bytes:
    """XML or a snapshot, each secret replaced in every way in which these may write it."""
    if any(len(secret) < INSIDE for secret in secrets):
        raise ValueError("too short to be told from what is no secret")
    text = utf8_of(data).decode()
    forms = {form for secret in secrets for form in _written(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MARK)
    return text.encode()


def _written(secret: str) -> Iterator[str]:
    """How a text is written in XML, JSON and YAML."""
    yield secret
    yield secret.replace("'", "''")
    for plain in (True, False):
        yield json.dumps(secret, ensure_ascii=plain)[1:-1]
    quoted = html.escape(secret, quote=False)
    yield quoted
    yield quoted.replace('"', "&quot;")
    for apostrophe in ("&#39;", "&#x27;", "&apos;"):
        yield quoted.replace('"', "&quot;").replace("'", apostrophe)
    yield "".join(c if c.isascii() else f"&#{ord(c)};" for c in quoted.replace('"', "&quot;"))


def _readings(data: bytes) -> Iterable[str]:
    """What a text says, however it is read."""
    text = data.decode()
    return (text, html.unescape(text), unescaped(text), text.replace("''", "'"))
