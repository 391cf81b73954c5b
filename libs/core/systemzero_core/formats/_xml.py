"""XML from strangers: elements in document order, whatever the encoding, nothing ever expanded.

Expat keeps no stack of ours and has no depth limit. A document type declaration is refused when it
opens, so no entity but the five predefined ones exists. A document that expat refuses is mended
once (`_xmlmend`); what is wrong with it still is told by line, column and what stands there.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers import expat

from systemzero_core.errors import InvalidInput, TruncatedInput, UnknownFormat, UnsafeInput, quote
from systemzero_core.formats import _toolsays
from systemzero_core.formats._spelling import hides_all
from systemzero_core.formats._xmlmend import Mended, mended
from systemzero_core.formats._xmltext import Document, document_of, start_in
from systemzero_core.tree import Node, Tree, TreeBuilder

Attributes = dict[str, str]
NodeOf = Callable[[str, Attributes], Node]

_CODES = expat.errors.codes
_ENDS_EARLY = frozenset(
    _CODES[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
)
_INVALID = _CODES[expat.errors.XML_ERROR_INVALID_TOKEN]
_MENDABLE = frozenset((_INVALID, _CODES[expat.errors.XML_ERROR_BAD_CHAR_REF]))
_SHOWN = 40
_ESCAPED = {"<": "&lt;", "&": "&amp;"}


def tree_of(data: bytes, node_of: NodeOf) -> Tree:
    """The tree of the XML document in `data`: one node for each element.

    What stands before and after the document is left out: blanks, marks, what a shell printed.

    Raises:
        UnknownFormat: there is no document; the error quotes what there is instead.
        UnsafeInput: there is a document type declaration, so possibly entities.
        TruncatedInput: the document ends early.
        InvalidInput: it is not well-formed; the violation names line and column.
        TooLarge: more elements than a tree may have nodes.
    """
    document = document_of(data)
    if document.start < 0:
        raise UnknownFormat.at("data", _toolsays.instead_of_xml(document.text))
    failure = _toolsays.failure_around(document.before, document.after)
    if failure is not None:
        raise InvalidInput.at("data", failure)
    return _read(document, Mended(document.xml), node_of)


def _read(document: Document, text: Mended, node_of: NodeOf, *, may_mend: bool = True) -> Tree:
    """The tree of `text`, or of the text once mended where it holds what XML forbids."""
    reading = _Reading(node_of)
    failed = reading.all_of(text.text)
    if failed is None:
        return reading.tree()
    if may_mend and failed.code in _MENDABLE:
        return _read(document, mended(document.xml), node_of, may_mend=False)
    raise _typed(failed, reading.place, text, document)


class _Reading:
    """One run of expat over one text; `place` is the character at which it failed."""

    def __init__(self, node_of: NodeOf) -> None:
        self._builder = TreeBuilder()
        self._node_of = node_of
        self._depth = 0
        self._hidden_at = 0  # the depth of an element that hides all below it
        self._has_ended = False
        self.place = 0

    def tree(self) -> Tree:
        return self._builder.build()

    def all_of(self, text: str) -> expat.ExpatError | None:
        """Read `text`; what follows the document may be anything but another document."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        try:
            parser.Parse(text, False)
            # Only a document that goes on after the bytes at hand fails in this second call.
            parser.Parse("", True)
        except expat.ExpatError as error:
            self.place = len(text.encode()[: parser.ErrorByteIndex].decode("utf-8", "ignore"))
            if not (self._has_ended and _is_noise(text[self.place :])):
                return error
        return None

    def _start(self, tag: str, attributes: Attributes) -> None:
        self._depth += 1
        if self._hidden_at:
            attributes["hidden"] = "true"
        elif hides_all(attributes):
            self._hidden_at = self._depth
        self._builder.open(self._node_of(tag, attributes))

    def _end(self, _tag: str) -> None:
        self._builder.close()
        if self._hidden_at == self._depth:
            self._hidden_at = 0
        self._depth -= 1
        self._has_ended = self._depth == 0


def _is_noise(rest: str) -> bool:
    """Whether what follows a document is a tool's own words, not a second document."""
    return start_in(rest) < 0


def _refuse_doctype(_name: str, *_ids: object) -> None:
    raise UnsafeInput.at("doctype", "document type declarations are refused: no entity is expanded")


def _typed(error: expat.ExpatError, place: int, mend: Mended, document: Document) -> InvalidInput:
    """The error as ours, at the line and column of the text as it came."""
    message = expat.ErrorString(error.code)
    at = document.start + mend.origin(place)
    if error.code == _INVALID and document.text[at - 1 : at] == "&":
        at -= 1  # expat points behind a bare ampersand
    before = document.text[:at]
    where = f"line {before.count(chr(10)) + 1}, column {at - before.rfind(chr(10))}"
    if error.code in _ENDS_EARLY:
        return TruncatedInput.at(where, f"the XML is truncated: {message}")
    there = document.text[at : at + _SHOWN]
    escaped = _ESCAPED.get(there[:1]) if error.code == _INVALID else None
    advice = f"; in a text, {there[0]} is written {escaped}" if escaped else ""
    if message == expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT:
        advice = "; two captures stand in one file: give each by itself"
    what = "" if error.code == _INVALID else f": {message}"
    return InvalidInput.at(where, f"not well-formed XML{what}: here stands {quote(there)}{advice}")
