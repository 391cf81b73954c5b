#!/usr/bin/python3
"""Write the accessibility tree of running desktop programs (AT-SPI 2, Linux) as JSON.

    capture_atspi.py --list
    capture_atspi.py --application gedit --wait 10 --output gedit.json

It needs the system's own Python with PyGObject and the AT-SPI typelib (Debian: python3-gi
gir1.2-atspi-2.0), and a session bus with accessibility on. What it writes, System//Zero reads as
format `atspi`:

    {"captured": time, "applications": [node, …]}, and "truncated": why, where a bound was met

    node: role, name, description, states (sorted), index_in_parent, children; where there are any
    also attributes, extents [x, y, width, height] in screen pixels, actions, text, value; on an
    application also toolkit [name, version].

Invariants:
1. The walk is iterative and bounded in nodes, depth and text.
2. An object that vanishes under the walk is left out with what is below it; the rest is written.
3. What stands in a password field is never read.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeVar

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402 - the version comes first

T = TypeVar("T")

CALL_TIMEOUT_MS = 2_000
LOOK_EVERY_SECONDS = 0.3
MAX_ACTIONS = 100
MAX_DEPTH = 2_000
MAX_TEXT = 10_000
NOTHING: tuple[Any, ...] = (None, "", [], {})


class Walk:
    """One walk over the desktop's programs; remembers what it had to leave out."""

    def __init__(self, max_nodes: int) -> None:
        self.nodes = 0
        self.max_nodes = max_nodes
        self.truncated = ""

    def read(self, application: Any) -> dict[str, Any] | None:
        """The tree below one application, or None when it vanished."""
        top = self._node(application, -1)
        pending = [(application, top, 1)] if top else []
        while pending:
            accessible, node, depth = pending.pop()
            below = [] if depth > MAX_DEPTH else list(self._children(accessible))
            if depth > MAX_DEPTH:
                self.truncated = f"deeper than {MAX_DEPTH}"
            for index, child in below:
                if self.nodes >= self.max_nodes:
                    self.truncated = f"more than {self.max_nodes} nodes"
                    return top
                if read := self._node(child, index):
                    node["children"].append(read)
                    pending.append((child, read, depth + 1))
        return top

    def _children(self, accessible: Any) -> Iterator[tuple[int, Any]]:
        count = attempt(accessible.get_child_count, 0)
        for index in range(min(count, self.max_nodes - self.nodes + 1)):
            child = attempt(partial(accessible.get_child_at_index, index), None)
            if child is not None:
                yield index, child

    def _node(self, accessible: Any, index: int) -> dict[str, Any] | None:
        role = attempt(accessible.get_role_name, None)
        if role is None:
            return None
        self.nodes += 1
        node = {
            "role": role,
            "name": attempt(accessible.get_name, "") or "",
            "description": attempt(accessible.get_description, "") or "",
            "states": states(accessible),
            "index_in_parent": index,
        }
        found = details(accessible, role)
        node.update({key: found[key] for key in found if found[key] not in NOTHING})
        node["children"] = []
        return node


def attempt(call: Callable[[], T], otherwise: T) -> T:
    """What `call` gives, or `otherwise` when the object is gone or does not answer."""
    try:
        return call()
    except GLib.Error:
        return otherwise


def states(accessible: Any) -> list[str]:
    """The names of the states that are set, sorted."""
    found: Any = attempt(accessible.get_state_set, None)
    known: list[Any] = [] if found is None else attempt(found.get_states, [])
    return sorted(state.value_nick for state in known)


def details(accessible: Any, role: str) -> dict[str, Any]:
    """What only some nodes have."""
    interfaces = attempt(accessible.get_interfaces, None) or []
    found = {
        "toolkit": toolkit(accessible) if role == "application" else None,
        "attributes": attempt(accessible.get_attributes, None),
    }
    for interface, key, read in READ_BY_INTERFACE:
        if interface in interfaces and not (key == "text" and role == "password text"):
            found[key] = read(accessible)
    return found


def toolkit(accessible: Any) -> list[str]:
    """Name and version of what the program is made with."""
    name = attempt(accessible.get_toolkit_name, "") or ""
    return [name, attempt(accessible.get_toolkit_version, "") or ""] if name else []


def extents(accessible: Any) -> list[int] | None:
    """The box in screen pixels."""
    box = attempt(lambda: Atspi.Component.get_extents(accessible, Atspi.CoordType.SCREEN), None)
    return [box.x, box.y, box.width, box.height] if box else None


def actions(accessible: Any) -> list[str]:
    """Names of what can be done with it."""
    count = min(attempt(lambda: Atspi.Action.get_n_actions(accessible), 0), MAX_ACTIONS)
    return [
        attempt(partial(Atspi.Action.get_action_name, accessible, i), "") or ""
        for i in range(count)
    ]


def text(accessible: Any) -> str:
    """Its first `MAX_TEXT` characters."""
    length = min(attempt(lambda: Atspi.Text.get_character_count(accessible), 0), MAX_TEXT)
    return attempt(lambda: Atspi.Text.get_text(accessible, 0, length), "") or ""


def value(accessible: Any) -> float | None:
    """The number of a slider, a spin button, a bar."""
    number: float | None = attempt(lambda: Atspi.Value.get_current_value(accessible), None)
    return number


READ_BY_INTERFACE = (
    ("Component", "extents", extents),
    ("Action", "actions", actions),
    ("Text", "text", text),
    ("Value", "value", value),
)


def bus_is_there() -> bool:
    """Whether an accessibility bus answers; without one the library ends the whole process."""
    name, path = "org.a11y.Bus", "/org/a11y/bus"
    try:
        session = Gio.bus_get_sync(Gio.BusType.SESSION)
        flags = Gio.DBusCallFlags.NONE
        session.call_sync(name, path, name, "GetAddress", None, None, flags, CALL_TIMEOUT_MS)
    except GLib.Error:
        return False
    return True


def applications(wanted: list[str]) -> list[Any]:
    """The programs on the desktop whose name holds one of `wanted` (all, when it is empty)."""
    desktop = Atspi.get_desktop(0)
    found = [desktop.get_child_at_index(i) for i in range(desktop.get_child_count())]
    named = [(attempt(each.get_name, "") or "", each) for each in found if each is not None]
    return [each for name, each in named if not wanted or any(part in name for part in wanted)]


def capture(wanted: list[str], max_nodes: int) -> dict[str, Any]:
    """What is there now."""
    walk = Walk(max_nodes)
    trees = [tree for each in applications(wanted) if (tree := walk.read(each))]
    now = datetime.datetime.now(datetime.timezone.utc)  # noqa: UP017 - Python 3.9 and 3.10 too
    file = {"captured": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "applications": trees}
    return {**file, "truncated": walk.truncated} if walk.truncated else file


def capture_settled(wanted: list[str], max_nodes: int, seconds: float) -> dict[str, Any] | None:
    """What is there once a window shows and two looks agree; None when `seconds` are over."""
    before, deadline = None, time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = capture(wanted, max_nodes)
        windows = [window for tree in now["applications"] for window in tree["children"]]
        ready = any("showing" in window["states"] for window in windows)
        if ready and before == now["applications"]:
            return now
        before = now["applications"] if ready else None
        time.sleep(LOOK_EVERY_SECONDS)
    return None


def write(value: Any, out: TextIO) -> None:
    """JSON without recursion: a tree is as deep as it is."""
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Raw):
            out.write(item)
        elif isinstance(item, dict):
            pending.append(Raw("}"))
            for number, (key, inner) in reversed(list(enumerate(item.items()))):
                pending += [inner, Raw((", " if number else "") + json.dumps(key) + ": ")]
            out.write("{")
        elif isinstance(item, list):
            pending.append(Raw("]"))
            for number, inner in reversed(list(enumerate(item))):
                pending += [inner, Raw(", " if number else "")]
            out.write("[")
        else:
            out.write(json.dumps(item, ensure_ascii=False))
    out.write("\n")


class Raw(str):
    """Text that stands in the output as it is."""


def main() -> int:
    """Parse the command line, capture, write; the exit status is 1 when nothing was found."""
    options = arguments().parse_args()
    if not bus_is_there():
        print("no accessibility bus in this session: is at-spi2-core installed?", file=sys.stderr)
        return 1
    warnings.simplefilter("ignore", DeprecationWarning)  # names differ between its releases
    Atspi.set_timeout(CALL_TIMEOUT_MS, CALL_TIMEOUT_MS)
    if options.list:
        for each in applications(options.application):
            print("".join(c if c.isprintable() else " " for c in attempt(each.get_name, "")))
        return 0
    bounds = (options.application, options.max_nodes)
    found = capture_settled(*bounds, options.wait) if options.wait else capture(*bounds)
    if not found or not found["applications"]:
        print("no such program on the accessibility bus; --list says which are", file=sys.stderr)
        return 1
    name = options.output
    with nullcontext(sys.stdout) if name == "-" else whole_file(name) as out:
        write(found, out)
    return 0


@contextmanager
def whole_file(name: str) -> Iterator[TextIO]:
    """A file for its owner alone, in the place of what is there (a link, too) once it is whole."""
    descriptor, temporary = tempfile.mkstemp(dir=Path(name).parent, prefix=".capture-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            yield out
        Path(temporary).replace(name)
    except BaseException:
        Path(temporary).unlink()
        raise


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Write the accessibility tree of running desktop programs (AT-SPI 2) as JSON."
    )
    parser.add_argument("--list", action="store_true", help="name the programs on the bus and end")
    parser.add_argument(
        "--application",
        action="append",
        default=[],
        metavar="NAME",
        help="only programs whose name holds NAME (repeatable; all by default)",
    )
    parser.add_argument("--wait", type=float, default=0, metavar="S", help="until it stands still")
    parser.add_argument("--max-nodes", type=int, default=200_000, help="default: %(default)s")
    parser.add_argument("--output", default="-", metavar="FILE", help="default: standard output")
    return parser


if __name__ == "__main__":
    sys.exit(main())
