"""What a tool says in place of a capture: the line, what it means, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from systemzero_core.errors import quote

_LOOKED_AT = 65_536
"""Characters that are looked through for a tool's words."""

_IDLE = (
    "the screen never came to rest (an animation, a video, a running clock); stop what moves, or "
    "capture with a tool that does not wait for it"
)
_NO_ROOT = (
    "no window could be read: the screen is off or locked, or another tool holds the accessibility "
    "connection; wake the device, end the other session and dump again"
)
_ELSEWHERE = "the dump is in that file on the device; pull it from there and give that"
_KILLED = "the device ended the dump before it wrote anything; dump again with less running"
_NO_DEVICE = (
    "adb reached no device; look at `adb devices`, reconnect or name one with -s, dump again"
)
_SEVERAL = "adb reached several devices; choose one with -s (`adb devices` lists them), dump again"
_NO_SERVER = "the server was not reached; start it, look at the address, capture again"
_NO_FILE = "the file that was to be read is not there: the dump before it failed; dump again"
_NO_TOOL = "the device's shell could not run the dump; look at what it says, dump again"
_CRASHED = "the tool that captures failed; look at its own log, capture again"
_DUMPED_TO = r"UI hier\w{3,6} dumped to"
_SAID = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        (r"could not get idle state", _IDLE),
        (r"null root node|root node is null|could not get root", _NO_ROOT),
        (_DUMPED_TO, _ELSEWHERE),
        (r"^\s*(?:\S+: ){0,3}(?:Killed|Terminated|Aborted|Segmentation fault)\b", _KILLED),
        (r"\bmore than one (?:device|emulator)", _SEVERAL),
        (r"^curl: \(\d+\)", _NO_SERVER),
        (
            (
                r"\bdevice (?:offline|unauthorized|'.{0,80}' not found|not found|still )"
                r"|no devices/emulators|error: closed|protocol fault"
                r"|waiting for (?:any )?device"
                r"|cannot connect to daemon|failed to get feature set"
            ),
            _NO_DEVICE,
        ),
        (r"No such file or directory|remote object .{0,200} does not exist", _NO_FILE),
        (r"\b(?:not found|inaccessible or not found|Permission denied)\s*$", _NO_TOOL),
        (
            (
                r"^\s*(?:error\b|\w*Error: |node:internal/|\[\w+\] Error: |(?:\w+\.)+_?\w*Error\b|"
                r"fatal\b|exception in thread|traceback \(most recent|"
                r"INSTRUMENTATION_(?:FAILED|CODE|RESULT)|(?:[a-z]\w*\.)+\w*(?:Exception|Error)\b)"
            ),
            _CRASHED,
        ),
    )
)
_FAILED = re.compile(r"^ERROR: (?:could not get idle state|null root node)")
_DUMPED = re.compile(_DUMPED_TO)
_SESSIONS = ("invalid session id", "no such driver", "session not created")


def instead_of(data: bytes) -> str | None:
    """What stands in place of a capture of any format; None where it is no tool's words."""
    text = _text(data[:_LOOKED_AT])
    if text.lstrip().startswith("{"):
        return _answered(_text(data))
    return _line_said(text)


def instead_of_xml(text: str) -> str:
    """What stands in place of an XML document."""
    said = _line_said(text[:_LOOKED_AT])
    return said or f"there is no XML document; it begins with {quote(first_line(text))}"


def failure_around(before: str, after: str) -> str | None:
    """The line before a document that says that the dump failed; None where a later one did not.

    `before` and `after` are what stands around the document.
    """
    failed: str | None = None
    for line in _lines(before[-_LOOKED_AT:]):
        if _FAILED.search(line[:1000]):
            failed = line
        elif _DUMPED.search(line[:1000]):
            failed = None
    if failed is None or _DUMPED.search(after[:_LOOKED_AT]):
        return None
    return f"the dump failed: {quote(failed)}; the document behind it is an older one"


def first_line(text: str) -> str:
    """The first line of `text` that is not blank."""
    return next(_lines(text[:_LOOKED_AT]), "")


def beginning(data: bytes) -> str:
    """The first line of `data`, as far as it is text."""
    return first_line(_text(data[:_LOOKED_AT]))


def _line_said(text: str) -> str | None:
    for pattern, meaning in _SAID:
        for line in _lines(text):
            if pattern.search(line[:1000]):
                return f"a tool's message stands in place of the capture: {quote(line)}: {meaning}"
    return None


def _lines(text: str) -> Iterator[str]:
    return (line.strip(" \t\r\0\ufeff") for line in text.split("\n") if line.strip(" \t\r\0\ufeff"))


def _text(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return data.decode(encoding, "replace").lstrip("\ufeff")


def _answered(text: str) -> str | None:
    """An error, or a wrapped document, in the answer of a WebDriver server or a debugger."""
    try:
        answer = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    if not isinstance(answer, dict):
        return None
    value = answer.get("value")
    if isinstance(value, str) and value.lstrip().startswith("<"):
        return (
            "this is the whole answer of a WebDriver server; the document is its `value`, give that"
        )
    for place in (value, answer, answer.get("error")):
        if isinstance(place, dict):
            error, message = place.get("error", place.get("code")), place.get("message")
            if isinstance(message, str) or isinstance(error, str):
                return _refused(error, message)
    return None


def _refused(error: object, message: object) -> str:
    told = [str(part) for part in (error, message) if isinstance(part, (str, int)) and part != ""]
    ended = any(word in part.lower() for part in told for word in _SESSIONS)
    advice = "start a session" if ended else "look at the server's own log"
    line = next(_lines(": ".join(told)), "")
    return (
        f"a server's error stands in place of the capture: {quote(line)}; {advice}, capture again"
    )
