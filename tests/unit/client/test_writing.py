"""Files of the client: whole or not at all, for their owner alone, below the folder asked for."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import systemzero_client
from systemzero_client.cli.profiles import Profile, store
from systemzero_client.pins import Pin, PinStore
from systemzero_client.writing import component, write_whole, writing

PACKAGE = Path(systemzero_client.__file__).parent


@given(
    st.text() | st.sampled_from(("..", ".", "", "/", "../..", "a/../b", "\\\\?\\C:", "~", "-rf"))
)
def test_a_name_of_somebody_elses_is_one_component(text: str) -> None:
    name = component(text)
    assert name.isascii()
    assert 1 <= len(name) <= 100
    assert Path("folder", name).parent == Path("folder")
    assert os.path.normpath(f"folder/{name}") == f"folder/{name}"
    assert not name.startswith(".")
    assert component(name) == name


def half(path: Path, broken: type[BaseException]) -> None:
    with writing(path) as file:
        file.write(b"half")
        raise broken


def link_meanwhile(path: Path, other: Path) -> None:
    with writing(path) as file:
        file.write(b"data")
        path.symlink_to(other)


@pytest.mark.parametrize("broken", [ZeroDivisionError, KeyboardInterrupt, OSError])
def test_what_breaks_half_way_leaves_what_was_there(
    tmp_path: Path, broken: type[BaseException]
) -> None:
    for name, before in (("new", None), ("old", b"yesterday's")):
        path = tmp_path / name
        if before is not None:
            path.write_bytes(before)
        with pytest.raises(broken):
            half(path, broken)
        assert path.exists() is (before is not None)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        ("old", b"yesterday's")
    ]


def test_a_link_that_appears_meanwhile_is_not_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    with pytest.raises(FileExistsError, match="link"):
        link_meanwhile(path, other)
    assert not other.exists()
    assert {each.name for each in tmp_path.iterdir()} == {"file"}


def test_nobody_else_reads_it_even_while_it_is_written(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with writing(tmp_path / "file", mode=0o644):
            [unfinished] = tmp_path.iterdir()
            assert unfinished.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644
        write_whole(tmp_path / "new" / "deep" / "file", b"")
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "none" / "file"
    with pytest.raises(FileNotFoundError) as caught, writing(path):
        pass
    assert caught.value.filename == str(path)
    with pytest.raises(FileExistsError) as refused, writing(Path("/dev/null")):
        pass
    assert refused.value.filename == "/dev/null"


def test_keys_and_pins_are_not_written_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("{}")
    elsewhere.chmod(0o600)
    config = tmp_path / "systemzero" / "config.json"
    config.parent.mkdir()
    config.symlink_to(elsewhere)
    with pytest.raises(FileExistsError, match="link"):
        store("", Profile("host:1", "s0_x"))
    pins = PinStore(tmp_path / "pins")
    pin = Pin("t", "o", "o+01234567+AAAA")
    pins.path("t", "o").parent.mkdir()
    pins.path("t", "o").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError, match="link"):
        pins.put(pin)
    assert elsewhere.read_text() == "{}"


WRITES = {"write_text", "write_bytes", "open_file", "mkstemp", "NamedTemporaryFile", "touch"}
PRINTS = {"echo", "secho", "print", "write"}


def calls(path: Path) -> set[str]:
    """The names of what a module calls; opening a file to write it counts as `write_text`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        found.add(name)
        modes = [each.value for each in node.args if isinstance(each, ast.Constant)]
        if name in ("open", "fdopen") and any(
            isinstance(mode, str) and set(mode) & set("wax+") and len(mode) < 4 for mode in modes
        ):
            found.add("write_text")
    return found


def test_one_module_writes_files_and_one_the_terminal() -> None:
    writers = {path.name for path in PACKAGE.rglob("*.py") if calls(path) & WRITES}
    assert writers == {"writing.py"}
    printers = {
        path.name for path in (PACKAGE / "cli").rglob("*.py") if calls(path) & (PRINTS - {"write"})
    }
    assert printers == {"terminal.py", "standard.py"}  # which writes nothing, and so flushes
