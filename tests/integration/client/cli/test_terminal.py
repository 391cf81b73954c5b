"""Whatever a server says, and wherever: one line stays one line, and nothing steers the terminal.

Every command of `sz` is tried, by the commands that there are, on a server whose every answer is
full of control characters, or of numbers and times that no service would send.
"""

from __future__ import annotations

import json
import os
import pty
import re
from collections.abc import Iterator
from pathlib import Path

import click
import grpc
import pytest

from tests.support.captures import CAPTURES
from tests.support.cli import Ran, Sz
from tests.support.click_tree import commands
from tests.support.hostile import HARM, answering, hostile, poisoning
from tests.support.patience import PATIENCE

KEY = "s0_live_" + "0" * 30 + "42dRNB"  # as docs/design/gateway.md has it
APP = CAPTURES / "parcel-console"
CAPTURE = APP / "4.15.5__1-console.ax.json.gz"
OURS = re.compile(r"\x1b\[(0|1|2|3[1-6])m")
"""The colours that `sz` itself uses."""
FUTURE = 2**62
"""A number that no enumeration has, and seconds after the end of all calendars."""

ARGUMENTS: dict[str, object] = {
    "screen": "console", "event": "evt_1", "template": "tpl_1",
    "capture": "cap_1", "name": "ci", "key": "key_1", "token_id": "tok_1",
    "tenant": "acme", "index": 0,
}  # fmt: skip
OPTIONS: dict[str, tuple[str, ...]] = {
    "role": ("--role", "viewer"),
    "reason": ("--reason", "why"),
    "until": ("--until", "7d"),
    "yes": ("--yes",),
}
MORE: dict[str, list[tuple[str, ...]]] = {
    "capture": [(), ("--no-check",)],
    "captures get": [(), ("--tree", "--native", "--screenshot")],
    "events": [(), ("--watch", "--limit", "1")],
}
DOCUMENTS = ("templates export", "log export", "audit export")
"""What is a document of its own goes into a pipe as it is."""
REMOTE = {
    " ".join(path): command
    for path, command in commands()
    if any(parameter.name == "server" for parameter in command.params)
}


@pytest.fixture
def sz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sz:
    key = tmp_path / "key"
    key.write_text(KEY)
    made = Sz(tmp_path / "home", monkeypatch, capfd)
    monkeypatch.setenv("SYSTEMZERO_API_KEY_FILE", str(key))
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture(scope="module")
def poisoned() -> Iterator[str]:
    with hostile(poisoning()) as target:
        yield target


@pytest.fixture(scope="module")
def future() -> Iterator[str]:
    with hostile(poisoning(text="x", number=FUTURE)) as target:
        yield target


def words(name: str, command: click.Command, target: str, folder: Path) -> list[object]:
    """The command with whatever it cannot do without."""
    screen = folder / "screen.yml"
    screen.parent.mkdir(exist_ok=True)
    screen.write_text('- button "Save"\n')
    known = ARGUMENTS | {"server": target, "folder": folder / "tiles"}
    known |= dict.fromkeys(("files", "file"), screen)
    given = [
        known[parameter.name or ""]
        for parameter in command.params
        if isinstance(parameter, click.Argument)
    ]
    options = [
        word
        for parameter in command.params
        if isinstance(parameter, click.Option) and (parameter.required or parameter.name == "yes")
        for word in OPTIONS[parameter.name or ""]
    ]
    server = () if name == "login" else ("--server", target)
    return [*name.split(), *given, *options, *server]


def tried(sz: Sz, name: str, target: str, *flags: str) -> list[Ran]:
    """The command, in each of its ways."""
    plain = words(name, REMOTE[name], target, sz.home)
    return [sz(*plain, *more, *flags, stdin=KEY.encode()) for more in MORE.get(name, [()])]


def is_clean(text: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in text)


@pytest.mark.parametrize("name", REMOTE)
def test_no_command_lets_a_server_steer_the_terminal(sz: Sz, poisoned: str, name: str) -> None:
    for ran in tried(sz, name, poisoned):
        assert ran.status in (0, 1, 2, 3)
        assert is_clean(ran.err), ran.err
        assert ran.out or ran.err
        if name not in DOCUMENTS:
            assert is_clean(ran.out), ran.out


@pytest.mark.parametrize("name", REMOTE)
def test_json_is_json_and_has_nothing_that_cannot_be_seen(sz: Sz, poisoned: str, name: str) -> None:
    for ran in tried(sz, name, poisoned, "--json"):
        assert is_clean(ran.err)
        if name not in ("log export", "audit export"):
            assert is_clean(ran.out)
            texts = [json.loads(line) for line in ran.out.splitlines()]
            assert all(isinstance(text, dict) for text in texts)


def test_json_says_what_the_server_said(sz: Sz, poisoned: str) -> None:
    found = sz("templates", "list", "--server", poisoned, "--json").json()
    assert {each["screen_id"] for each in found} == {HARM}


@pytest.mark.parametrize("name", REMOTE)
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_no_number_and_no_time_ends_in_a_traceback(
    sz: Sz, future: str, name: str, flags: tuple[str, ...]
) -> None:
    for ran in tried(sz, name, future, *flags):
        assert ran.status in (0, 1, 2, 3)
        assert len(ran.err.splitlines()) <= 2


def test_the_text_of_a_refusal_is_one_line(sz: Sz) -> None:
    def refusing(request: object, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.INTERNAL, f"no{HARM}\nsz: done")

    with hostile(answering({"GetStatus": refusing})) as target:
        ran = sz("status", "--server", target)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert is_clean(ran.err)


def on_a_terminal(sz: Sz, *arguments: object) -> str:
    """What a terminal shows of a run."""
    here, there = pty.openpty()
    process = sz.start(*arguments, stdout=there)
    os.close(there)
    shown = b""
    try:
        while chunk := os.read(here, 65_536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(here)
    process.communicate(timeout=PATIENCE)
    return shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        *((name, ()) for name in (*DOCUMENTS, "capture", "events", "status")),
        *((name, ("--json",)) for name in ("templates export", "capture", "log entries")),
    ],
)
def test_a_terminal_gets_our_own_colours_alone(
    sz: Sz, poisoned: str, name: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    shown = on_a_terminal(sz, *words(name, REMOTE[name], poisoned, tmp_path), *flags)
    assert shown
    assert is_clean(OURS.sub("", shown)), shown
    assert bool(OURS.search(shown)) is (name in ("capture", "events") and not flags)


def test_a_document_goes_into_a_pipe_as_it_is(sz: Sz, poisoned: str) -> None:
    process = sz.start("templates", "export", "tpl_1", "--server", poisoned, text=False)
    out, _ = process.communicate(timeout=PATIENCE)
    assert out == HARM.encode()  # type: ignore[comparison-overlap]


def test_a_file_cannot_steer_the_terminal_either(sz: Sz, tmp_path: Path) -> None:
    harmful = tmp_path / "a\x1b]0;x\x07\u202e.yml"
    harmful.write_text('- heading "\\x1b[2J\\x9b31m" [level=1]\n', encoding="utf-8")
    for arguments in (("diff", harmful, CAPTURE), ("diff", harmful, tmp_path / "\x1b[2J")):
        for flags in ((), ("--json",)):
            ran = sz(*arguments, *flags)
            assert is_clean(ran.out + ran.err)
