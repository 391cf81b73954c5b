"""References resolved against the address of their document: RFC 3986, 5.2.

`urllib.parse` does so, too, but its releases differ in what they refuse, strip and keep.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_PARTS = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?(?P<authority>//[^/?#]*)?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)


class _Address(NamedTuple):
    """Parts of an address, each empty where it is absent; the authority with its slashes."""

    scheme: str
    authority: str
    path: str
    query: str
    fragment: str

    def __str__(self) -> str:
        scheme = f"{self.scheme}:" if self.scheme else ""
        query = f"?{self.query}" if self.query else ""
        fragment = f"#{self.fragment}" if self.fragment else ""
        return f"{scheme}{self.authority}{self.path}{query}{fragment}"


def joined(base: str, reference: str) -> str:
    """The address that `reference` stands for in the document at `base`."""
    of, to = _parts(base), _parts(reference)
    if to.scheme:
        found = to
    elif to.authority:
        found = to._replace(scheme=of.scheme)
    elif not to.path:
        found = of._replace(query=to.query or of.query, fragment=to.fragment)
    else:
        path = to.path if to.path.startswith("/") else _beside(of, to.path)
        found = of._replace(path=path, query=to.query, fragment=to.fragment)
    return str(found._replace(path=_plain(found.path)))


def _parts(address: str) -> _Address:
    found = _PARTS.fullmatch(address)
    return _Address(*(found.groups("") if found else ("", "", address, "", "")))


def _beside(base: _Address, path: str) -> str:
    if base.authority and not base.path:
        return f"/{path}"
    return base.path[: base.path.rfind("/") + 1] + path


def _plain(path: str) -> str:
    """`path` without its `.` and `..`; those that lead above the root are left out."""
    if not path.startswith("/"):
        return path
    kept: list[str] = []
    steps = path.split("/")
    for step in steps:
        if step == "..":
            del kept[max(len(kept) - 1, 1) :]
        elif step != ".":
            kept.append(step)
    return "/".join([*kept, ""] if steps[-1] in (".", "..") else kept)
