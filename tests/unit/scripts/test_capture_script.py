"""The AT-SPI script's own files, with a named fake of the bindings that it cannot do without."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "capture_atspi.py"


class FakeBindings(ModuleType):
    """Stands for PyGObject, which is the system's, not a package of this environment."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return FakeBindings(name)

    def __call__(self, *arguments: object) -> Any:
        return self


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    for name in ("gi", "gi.repository"):
        monkeypatch.setitem(sys.modules, name, FakeBindings(name))
    spec = importlib.util.spec_from_file_location("capture_atspi", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before = os.umask(0)
    yield module
    os.umask(before)


def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, found: object, out: Path) -> int:
    monkeypatch.setattr(script, "bus_is_there", lambda: True)
    monkeypatch.setattr(script, "capture", lambda *arguments: found)
    monkeypatch.setattr(sys, "argv", ["capture_atspi.py", "--output", str(out)])
    status: int = script.main()
    return status


def test_a_capture_is_for_its_owner_alone_and_never_written_through_a_link(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_text("precious")
    out = tmp_path / "screen.json"
    out.symlink_to(other)
    assert run(script, monkeypatch, {"applications": [{"role": "application"}]}, out) == 0
    assert other.read_text() == "precious"
    assert out.lstat().st_mode == 0o100600
    assert "application" in out.read_text()


def test_a_capture_that_breaks_leaves_yesterdays(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "screen.json"
    out.write_text("yesterday's")
    with pytest.raises(TypeError):
        run(script, monkeypatch, {"applications": [object()]}, out)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [
        ("screen.json", "yesterday's")
    ]
