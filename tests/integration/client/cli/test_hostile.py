"""`sz` and a server that means harm: what it writes where, and what reaches the terminal."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.tlog import Checkpoint, entry_line
from tests.support.cli import Ran, Sz
from tests.support.hostile import answering, hostile
from tests.support.written_log import ORIGIN, SIGNER, entry_of

KEY = "s0_live_" + "0" * 30 + "42dRNB"  # as docs/design/gateway.md has it
SCREEN = b"<hierarchy/>"

Run = Callable[..., Ran]


@pytest.fixture
def sz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sz:
    key = tmp_path / "key"
    key.write_text(KEY)
    made = Sz(tmp_path / "home", monkeypatch, capfd)
    monkeypatch.setenv("SYSTEMZERO_API_KEY_FILE", str(key))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    return made


@pytest.fixture(autouse=True)
def nobody_keeps_anything_secret() -> Iterator[None]:
    """The widest umask: a mode that is right is one that the program chose."""
    before = os.umask(0)
    yield
    os.umask(before)


def stored(capture_id: str) -> capture_pb.GetCaptureResponse:
    answer = capture_pb.GetCaptureResponse()
    answer.capture.capture_id = capture_id
    answer.capture.format = tree_pb2.FORMAT_UIAUTOMATOR
    answer.capture.originals.native.data = SCREEN
    return answer


def everything(folder: Path) -> dict[str, bytes]:
    """What is below the folder, links as where they lead."""
    return {
        str(path.relative_to(folder)): bytes(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize(
    "name",
    [
        "../../outside",
        "{tmp}/outside",
        "a/b",
        "..",
        ".",
        "",
        ".bashrc",
        "x\0y",
        "package",
        "x" * 5000,
    ],
)
def test_a_capture_that_is_not_the_one_asked_for_is_written_nowhere(
    sz: Sz, tmp_path: Path, folder: Path, name: str
) -> None:
    before = everything(tmp_path)
    answer = stored(name.replace("{tmp}", str(tmp_path)))
    with hostile(answering({"GetCapture": answer})) as target:
        ran = sz("captures", "get", "cap_1", "--native", "-o", folder, "--server", target)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "cap_1" in ran.err
    assert len(ran.err) < 500
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("../../outside", "_._.._outside.xml"),
        (".bashrc", "_bashrc.xml"),
        ("a\\b:c", "a_b_c.xml"),
        ("größe", "gr__e.xml"),
        ("cap_1.2-x", "cap_1.2-x.xml"),
    ],
)
def test_a_name_is_one_component_below_the_folder(
    sz: Sz, tmp_path: Path, folder: Path, asked: str, name: str
) -> None:
    before = everything(tmp_path)
    with hostile(answering({"GetCapture": stored(asked)})) as target:
        ran = sz("captures", "get", asked, "--native", "-o", folder, "--server", target)
    assert ran.status == 0
    assert everything(tmp_path) == {**before, f"mine/{name}": SCREEN}


def export(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
    yield log_pb.ExportEntriesResponse(chunk=b"x")


Write = Callable[[str, Path], tuple[object, ...]]
WRITERS: dict[str, tuple[Any, Write]] = {
    "captures get": (
        {"GetCapture": stored("cap_1")},
        lambda target, file: ("captures", "get", "cap_1", "--native", "-o", file.parent),
    ),
    "templates export": (
        {"ExportTemplate": template_pb.ExportTemplateResponse(yaml=SCREEN)},
        lambda target, file: ("templates", "export", "console", "-o", file),
    ),
    "log export": (
        {"ExportEntries": export},
        lambda target, file: ("log", "export", "-o", file),
    ),
    "audit export": (
        {"ExportEntries": export},
        lambda target, file: ("audit", "export", "-o", file),
    ),
    "keys create": (
        {"CreateApiKey": auth_pb.CreateApiKeyResponse(secret="s")},
        lambda target, file: (
            "keys", "create", "ci", "--role", "viewer", "--secret-file", file
        ),
    ),
}  # fmt: skip


def run(sz: Sz, name: str, file: Path) -> Ran:
    """A command that writes `file`, with a server that plays along."""
    answers, arguments = WRITERS[name]
    with hostile(answering(answers)) as target:
        return sz(*arguments(target, file), "--server", target)


@pytest.mark.parametrize("name", WRITERS)
def test_what_may_hold_a_screen_is_for_its_owner_alone(sz: Sz, folder: Path, name: str) -> None:
    file = folder / "cap_1.xml"
    assert run(sz, name, file).status == 0
    first = file.read_bytes()
    assert (mode(file), [path.name for path in folder.iterdir()]) == (0o600, ["cap_1.xml"])
    file.write_bytes(b"yesterday's, and longer than today's")
    file.chmod(0o666)
    assert run(sz, name, file).status == 0
    assert (file.read_bytes(), mode(file)) == (first, 0o600)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "fifo"])
def test_nothing_is_followed_and_nothing_but_a_file_is_replaced(
    sz: Sz, folder: Path, name: str, kind: str
) -> None:
    file, other = folder / "cap_1.xml", folder / "other"
    match kind:
        case "link":
            other.write_bytes(b"precious")
            file.symlink_to(other)
        case "dangling":
            file.symlink_to(other)
        case "folder":
            file.mkdir()
        case _:
            os.mkfifo(file)
    before = everything(folder)
    ran = run(sz, name, file)
    assert (ran.status, len(ran.err.splitlines())) == (2, 1)
    assert str(file) in ran.err
    assert everything(folder) == before
    assert stat.S_IFMT(file.lstat().st_mode) != stat.S_IFREG


@pytest.mark.parametrize("name", ["log export", "audit export"])
def test_an_export_that_breaks_leaves_yesterdays_file(sz: Sz, folder: Path, name: str) -> None:
    def breaking(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield log_pb.ExportEntriesResponse(chunk=b"half of ")
        context.abort(grpc.StatusCode.INTERNAL, "broken")

    file = folder / "export"
    file.write_bytes(b"yesterday's")
    with hostile(answering({"ExportEntries": breaking})) as target:
        ran = sz(*name.split(), "-o", file, "--server", target)
    assert ran.status == 2
    assert everything(folder) == {"export": b"yesterday's"}


def endless(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
    """An export of entries without an end."""
    for index in itertools.count():
        yield log_pb.ExportEntriesResponse(chunk=entry_line(entry_of(index, {"a": "b" * 50_000})))


@pytest.mark.parametrize(
    "command",
    [
        ("log", "verify"), ("log", "tiles", "mirror"), ("log", "export"),
        ("log", "export", "-o", "written"), ("audit", "verify"), ("audit", "export"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_more_of_a_log_is_stored_than_was_allowed(
    sz: Sz, folder: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(folder)
    note = Checkpoint(ORIGIN, 1_000, b"r" * 32).signed([SIGNER])
    checkpoint = log_pb.GetCheckpointResponse(note=note, verifier_key=str(SIGNER.verifier))
    answers = {"GetCheckpoint": checkpoint, "ExportEntries": endless}
    with hostile(answering(answers)) as target:
        ran = sz(*command, "--max-bytes", "300_000", "--server", target)
    assert ran.status == 2
    assert "the export goes on, beyond 300,000 bytes" in ran.err
    assert "allow more (`--max-bytes`)" in ran.err
    assert everything(folder) == {}
