"""The captures that a caller hands in one after the other, each looked at before it is sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from systemzero_client.documents import Document, Sighting
from systemzero_core.errors import InvalidInput

_A_TEXT = "must be a text (str)"
_TEXTS = ("app", "screen", "session")


class Item(NamedTuple):
    """One capture, and what is known of it."""

    document: Document
    sighting: Sighting


async def each(items: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[Item]:
    """The items, whichever way the caller gives them.

    Raises:
        InvalidInput: one is no capture; it names the item and its field.
        TypeError: they cannot be iterated.
    """
    index = 0
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield checked(index, item)
            index += 1
    else:
        for item in items:
            yield checked(index, item)
            index += 1


def checked(index: int, item: object) -> Item:
    """Item `index`, if it is one: what is found out only while it is sent ends the stream.

    Raises:
        InvalidInput: it is none; it names the item and its field.
    """
    place = f"captures[{index}]"
    document, sighting = item, Sighting()
    if type(item) is tuple and len(item) == 2:
        document, sighting = item
    if not isinstance(document, Document) or not isinstance(sighting, Sighting):
        raise InvalidInput.at(
            place, f"must be a Document, or a Document and a Sighting, not {_kind(item)}"
        )
    for field, wrong in (*_document_faults(document), *_sighting_faults(sighting)):
        raise InvalidInput.at(f"{place}.{field}", wrong)
    return Item(document, sighting)


def _document_faults(document: Document) -> list[tuple[str, str]]:
    data, form, dom, frames = document
    return [
        (field, wrong)
        for field, right, wrong in (
            ("data", isinstance(data, bytes), "must be bytes"),
            ("format", form is None or _is_text(form), _A_TEXT),
            ("dom", dom is None or isinstance(dom, bytes), "must be bytes"),
            ("frames", _are_frames(frames), "must be a tuple of bytes"),
        )
        if not right
    ]


def _sighting_faults(sighting: Sighting) -> list[tuple[str, str]]:
    faults = [(name, _A_TEXT) for name in _TEXTS if not _is_text(getattr(sighting, name))]
    time: object = sighting.time
    if time is not None and not (isinstance(time, datetime) and time.tzinfo):
        faults.append(("time", "must be a datetime with a time zone"))
    return faults


def _are_frames(frames: object) -> bool:
    return isinstance(frames, tuple | list) and all(isinstance(each, bytes) for each in frames)


def _is_text(value: object) -> bool:
    """Whether it is a text that can be sent, which a lone surrogate cannot."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def _kind(item: object) -> str:
    if isinstance(item, tuple) and not isinstance(item, Document):
        return f"({', '.join(type(each).__name__ for each in item)})"
    return f"a {type(item).__name__}"
