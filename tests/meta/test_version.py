"""The version stands in one file; everything that says it says that one."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

from scripts.release_check import problems
from tests.support.cli import COMMAND

ROOT = Path(__file__).parent.parent.parent
VERSION = (ROOT / "VERSION").read_text().strip()
PROJECTS = sorted(
    path
    for pattern in ("protos", "libs/*", "services/*")
    for path in ROOT.glob(f"{pattern}/pyproject.toml")
)


def test_it_is_a_version_in_its_normal_form() -> None:
    assert str(Version(VERSION)) == VERSION


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_every_distribution_has_it_from_there(project: Path) -> None:
    parsed = tomllib.loads(project.read_text())
    assert "version" in parsed["project"]["dynamic"]
    path = project.parent / parsed["tool"]["hatch"]["version"]["path"]
    assert path.resolve() == ROOT / "VERSION"
    assert version(parsed["project"]["name"]) == VERSION, "make setup"


def test_there_are_thirteen_distributions() -> None:
    assert len(PROJECTS) == 13


def test_the_command_line_says_it() -> None:
    told = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"sz, version {VERSION}\n"


def test_the_documents_say_it() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert newest is not None
    assert newest[1] == VERSION
    status = (ROOT / "README.md").read_text().partition("## Status")[2]
    assert status.split()[0].rstrip(",") == VERSION


@pytest.mark.parametrize(
    ("tag", "version", "section", "words"),
    [
        ("v1.2.0", "1.2.0", "[1.2.0] - 2030-01-02", []),
        ("v1.2.0rc1", "1.2.0rc1", "[1.2.0rc1] - 2030-01-02", []),
        ("v1.2.1", "1.2.0", "[1.2.0] - 2030-01-02", ["VERSION says v1.2.0"]),
        ("v1.2.0-rc.1", "1.2.0-rc.1", "[1.2.0-rc.1] - 2030-01-02", ["normal form"]),
        ("v1.2.0", "1.2.0", "[1.2.0] - unreleased", ["write the day"]),
        ("v1.2.0", "1.2.0", "[1.1.0] - 2030-01-02", ["not that of 1.2.0"]),
        ("", "1.2.0", "[1.2.0] - 2030-01-02", ["not given"]),
    ],
)
def test_a_tag_is_made_of_one_version_that_is_released_on_a_day(
    tag: str, version: str, section: str, words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "VERSION").write_text(f"{version}\n")
    (tmp_path / "CHANGELOG.md").write_text(
        f"# Changelog\n\n## {section}\n\n## [0.9.0] - 2029-01-01\n"
    )
    told = problems(tag, tmp_path)
    assert len(told) == len(words), told
    assert all(word in line for word, line in zip(words, told, strict=True))
