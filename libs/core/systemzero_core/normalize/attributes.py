"""States and attributes in normal form: what is transient is dropped, what has two names gets one.

Transient is what differs between two captures of one unchanged screen: where the focus and the
pointer are, how far it is scrolled, whether it is still busy (the completeness gate has judged that
before), identifiers made anew on each run, the host and port it was served from.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NamedTuple

from systemzero_core.normalize.role_tables import words
from systemzero_core.normalize.text import normal_text

TRANSIENT_STATES: Final = words("""
    active animated armed busy default enabled focus focused hover hovered iconified
    manages-descendants offscreen onscreen opaque selectable-text sensitive settable showing
    stale transient visible
""")
"""State words that are dropped."""

STATE_NAMES: Final = {
    "multi-line": "multiline",
    "read-only": "readonly",
    "multi-selectable": "multiselectable",
    "has-popup": "haspopup",
    "indeterminate": "mixed",
    "invalid-entry": "invalid",
    "invisible": "hidden",
    "defunct": "hidden",
}
"""Other platforms' words for our states."""

TRANSIENT_ATTRIBUTES: Final = words("""
    activedescendant backendnodeid busy captured caret caret-offset controls describedby details
    errormessage flowto focused frameid framework hwnd index index-in-parent instance key
    labelledby loaderid nativewindowhandle nodeid owns pid processid runtimeid scroll scroll-x
    scroll-y scrollleft scrolltop text-selection timestamp toolkit window-id
""")
"""Attribute names (lower case, `_` as `-`) that are dropped. Relations by id are among them: what
they lead to (a name, a description) is in the tree; the ids themselves are often generated."""

URL_ATTRIBUTES: Final = frozenset(("url", "href", "src", "action", "cite"))

IDENTIFIERS: Final = frozenset(("id", "resource-id", "automation-id"))

_PLAIN_NAMES = words("""
    alt class description for haspopup href id level name placeholder resource-id role src tag title
    type url
""")
_LONGEST_DATA = 200
_RUN_CLASS = re.compile(r"\.app\.\d+\.[0-9a-z]+_r\d+_ad\d+$", re.ASCII)
_LONGEST_ID = 256
_URL = re.compile(
    r"(?P<origin>[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?(?P<path>/[^?#]*)(?P<query>\?[^#]*)?(#.*)?"
)
_SESSION = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
GENERATED_ID = re.compile(
    r"""
      [0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}   # a uuid
    | (?<![0-9a-z])(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,}(?![0-9a-z])  # hex, mixed
    | (?<![0-9a-z])[a-z]{0,8}[0-9]{1,4}[a-z]{1,8}[0-9]{1,4}[a-z]         # random, base 36
    | [0-9]{5,}                                                          # a counter, a time
    | :r[0-9a-z]+: | «r[0-9a-z]+» | ^_r_[0-9a-z]+_                       # React useId
    | ^(?:ember|ext-gen|ext-comp-|gwt-uid-|ui-id-|yui[-_]|jquery|tippy-|downshift-|headlessui-
        |radix-|mui-|react-select-|react-aria|cdk-|mat-[a-z-]+-|ng-|__bvid__|svelte-|select2-
        |tooltip|popover|chakra-|floating-ui-|rc_|rc-tabs-|j_idt|isc_|dijit_|uid[-_]?|v-)
      [^ ]*[0-9]                                                         # a toolkit's counter
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


def is_generated_id(identifier: str) -> bool:
    """Whether `identifier` looks made anew on each run, by its form alone.

    So does one of more than 256 characters, which also bounds what the pattern can cost.
    """
    if len(identifier) > _LONGEST_ID:
        return True
    return not identifier or GENERATED_ID.search(identifier) is not None


class Address(NamedTuple):
    """Where a captured document came from: `origin` is scheme, host and port; all may be empty."""

    origin: str = ""
    path: str = ""
    query: str = ""

    @classmethod
    def of(cls, url: str) -> Address:
        """The address of the document at `url`, absolute or with a path alone."""
        if not url.startswith(("blob:", "data:", "about:")):
            found = _URL.fullmatch(_SESSION.sub("", normal_text(url)))
            if found is not None:
                return cls(found["origin"] or "", found["path"], found["query"] or "")
        return cls()


NOWHERE: Final = Address()


def normal_url(url: str, page: Address, *, own: bool = False) -> str:
    """`url` as seen from the captured document at `page`.

    The same page served from another host or port is the same page, a link that now leads to
    another site is not: the page's own origin is taken off, any other stays. A reference into the
    page itself (its path, with its query or none) is the fragment alone, `#` where there is none.
    With `own`, the url is a document's own address: its query and fragment are not what it shows,
    so only the path stays. A servlet session (`;jsessionid=…`) is cut out, a `blob:` URL is its
    scheme alone, since the rest is random, and a `data:` URL of more than 200 characters has its
    SHA-256 in the place of its data. All else stays as it is.
    """
    if url.startswith("blob:"):
        return "blob:"
    if url.startswith("data:"):
        return _short_data(url)
    if ";" in url:
        url = _SESSION.sub("", url)
    found = _URL.fullmatch(url)
    if found is None:
        return url
    origin, path, query, fragment = found.groups("")
    if origin and origin != page.origin:
        return origin + path if own else url
    if path.startswith("//"):  # without its origin it would name a host
        return url
    if own:
        return path
    if path == page.path and query in ("", page.query):
        return fragment or "#"
    return path + query + fragment


def _short_data(url: str) -> str:
    if len(url) <= _LONGEST_DATA:
        return url
    media_type = re.split("[;,]", url[5:105], maxsplit=1)[0]
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
    return f"data:{media_type};sha256,{digest}"


def normal_states(states: tuple[str, ...]) -> tuple[str, ...]:
    """`states` renamed, without the transient, sorted and unique."""
    words = {STATE_NAMES.get(word, word) for word in map(_word, states)}
    return tuple(sorted(words - TRANSIENT_STATES - {""}))


def normal_attributes(
    attributes: tuple[tuple[str, str], ...], page: Address, *, document: bool = False
) -> tuple[tuple[str, str], ...]:
    """`attributes` without the transient and the empty, values normal, sorted by name.

    `document` says that they are a document's, whose `url` is its own address.
    Of two that become one name, the first in order of the original names stays.
    """
    kept: dict[str, str] = {}
    for own, value in attributes:
        name = _word(own)
        if name in TRANSIENT_ATTRIBUTES:
            continue
        value = normal_text(value)
        if name in URL_ATTRIBUTES:
            value = normal_text(normal_url(value, page, own=document))
        elif name in IDENTIFIERS and is_generated_id(value):
            continue
        elif name == "class":
            value = _RUN_CLASS.sub("", value.partition("[")[0]).strip()
        if value:
            kept.setdefault(name, value)
    return tuple(sorted(kept.items()))


def _word(name: str) -> str:
    if name in _PLAIN_NAMES:
        return name
    word = normal_text(name)
    if word.isascii():
        word = word.lower()
    return word.replace("_", "-").replace(" ", "-")
