"""XML from strangers: elements in document order, whatever the encoding, nothing ever expanded.

Expat keeps no stack of ours and has no depth limit. A document type declaration is refused when it
opens, so no entity but the five predefined ones exists. The text is decoded here, since captures
come with declarations that are wrong (WinAppDriver says utf-16 and sends UTF-8).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from xml.parsers import expat

from systemzero_core.errors import InvalidInput, TruncatedInput, UnsafeInput
from systemzero_core.tree import Node, Tree, TreeBuilder

Attributes = dict[str, str]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,20})[\"']")
_SINGLE_BYTE = re.compile(
    r"(iso-?8859-?\d+|windows-?125\d|cp125\d|gbk|gb2312|gb18030|big5|shift_jis|euc-(jp|kr))",
    re.IGNORECASE,
)
_SHELL_TAIL = re.compile(r"UI hierch?ary dumped to:[^<>]*\Z")
_ENDS_EARLY = frozenset(
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
)


def text_of(data: bytes) -> str:
    """The text of an XML document: by its mark, else by its shape, else UTF-8, else as declared.

    What stands before the first `<` is left out: blanks, marks, and the line that the Android
    shell prints.

    Raises:
        TruncatedInput: the bytes end inside a character.
        InvalidInput: they are text in no known encoding.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _from_first_element(_decode(data[len(mark) :], encoding))
    if data[1:2] == b"\0":
        return _from_first_element(_decode(data, "utf-16-le"))
    if data[:1] == b"\0":
        return _from_first_element(_decode(data, "utf-16-be"))
    try:
        return _from_first_element(_decode(data, "utf-8"))
    except InvalidInput:
        declared = _DECLARED.search(data[:200])
        if declared is None or not _SINGLE_BYTE.fullmatch(declared[1].decode()):
            raise
        return _from_first_element(_decode(data, declared[1].decode()))


def _from_first_element(text: str) -> str:
    text = text[max(text.find("<"), 0) :]
    if not text.endswith(">"):
        text = _SHELL_TAIL.sub("", text)
    return text


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.end >= len(data) and error.reason in ("unexpected end of data", "truncated data"):
            raise TruncatedInput.at("xml", "truncated: it ends inside a character") from None
        raise InvalidInput.at(
            f"byte {error.start}", f"the XML is not the {encoding} text that it looks like"
        ) from None


def tree_of(data: bytes, node_of: Callable[[str, Attributes], Node]) -> Tree:
    """The tree of an XML document: one node for each element.

    Raises:
        UnsafeInput: there is a document type declaration, so possibly entities.
        TruncatedInput: the document ends early.
        InvalidInput: it is not well-formed; the violation names the line.
        TooLarge: more elements than a tree may have nodes.
    """
    text = text_of(data)
    builder = TreeBuilder()

    def start(tag: str, attributes: Attributes) -> None:
        builder.open(node_of(tag, attributes))

    def end(_tag: str) -> None:
        builder.close()

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(text, False)
        # Only a document that goes on after the bytes at hand fails in this second call.
        parser.Parse("", True)
    except expat.ExpatError as error:
        raise _typed(error) from None
    return builder.build()


def _refuse_doctype(_name: str, *_ids: object) -> None:
    raise UnsafeInput.at("doctype", "document type declarations are refused: no entity is expanded")


def _typed(error: expat.ExpatError) -> InvalidInput:
    message = expat.ErrorString(error.code)
    if error.code in _ENDS_EARLY:
        return TruncatedInput.at(f"line {error.lineno}", f"the XML is truncated: {message}")
    return InvalidInput.at(f"line {error.lineno}", f"not well-formed XML: {message}")
