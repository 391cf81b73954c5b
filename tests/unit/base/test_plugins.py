"""Plug-ins: what is taken in, and what keeps a service from starting."""

from __future__ import annotations

from pathlib import Path

import pytest

from systemzero_base.plugins import load_detectors, load_formats
from systemzero_core.errors import AlreadyExists, FailedPrecondition, InvalidInput, TooLarge
from systemzero_core.formats import Format, Formats, Parsed, Source
from systemzero_core.tree import MAX_NODES, Node, Tree


class Lines:
    """A format that reads a node a line, and says that it recognises everything."""

    def __init__(self, name: str = "lines") -> None:
        self.name = name

    def recognises(self, data: bytes) -> bool:
        return True

    def read(self, source: Source) -> Parsed:
        count = source.data.count(b"\n") + 1
        nodes = [Node("document"), *[Node("text")] * (count - 1)]
        return Parsed(Tree(nodes, [-1, *[0] * (count - 1)]), "whatever it calls itself")


def test_a_plugin_comes_after_what_is_built_in() -> None:
    formats = Formats([Lines("zz"), Lines("aa")])
    assert formats.detect(b'- link "x"') == Format.ARIA
    assert formats.detect(b"hello") == "aa"
    assert formats.names == (*dict.fromkeys(formats.names[:7]), "aa", "zz")


def test_its_captures_are_of_its_name() -> None:
    assert Formats([Lines()]).parse(b"hello", format="lines").format == "lines"


def test_its_trees_are_bounded() -> None:
    with pytest.raises(TooLarge, match="200001 nodes"):
        Formats([Lines()]).parse(b"a\n" * MAX_NODES, format="lines")


@pytest.mark.parametrize("name", ["", "Lines", "a b", "lines\n", "x" * 41])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        Formats([Lines(name)])


@pytest.mark.parametrize("names", [["lines", "lines"], ["cdp"]])
def test_a_name_that_is_taken_is_refused(names: list[str]) -> None:
    with pytest.raises(AlreadyExists, match=names[-1]):
        Formats([Lines(name) for name in names])


def declare(folder: Path, group: str, what: str) -> None:
    """Make a package whose metadata declare `what`."""
    metadata = folder / "somebodys-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: somebodys\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\nbroken = {what}\n")


@pytest.mark.parametrize(
    ("group", "load"),
    [("systemzero.formats", load_formats), ("systemzero.detectors", load_detectors)],
)
@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("no_such_module:Plugin", "ModuleNotFoundError"),
        ("decimal:Decimal.nothing", "AttributeError"),
    ],
)
def test_one_that_cannot_be_loaded_is_named(
    group: str, load: object, what: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(tmp_path, group, what)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert callable(load)
    with pytest.raises(FailedPrecondition, match=f"broken = {what} of {group}.*{why}"):
        load()
