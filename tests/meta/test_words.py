"""What the documents name is there: modules, files, commands, metrics."""

from __future__ import annotations

import importlib
import re
import subprocess
from functools import cache
from pathlib import Path

import click
import pytest

from systemzero_client.cli.lazy import Listed
from systemzero_client.cli.main import sz

ROOT = Path(__file__).parent.parent.parent
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
MODULE = re.compile(r"systemzero_[a-z]+(?:\.\w+)+")
FILE = re.compile(r"[\w-]+(?:/[\w.-]+)+\.(?:py|sh|ya?ml|proto|toml|lua|md|mjs|json)")
METRIC = re.compile(r"(?:systemzero|rpc)_[a-z_]+_(?:total|seconds|bytes|info|state|ratio)")
COMMAND = re.compile(r"\bsz ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?")
WRITTEN = ("data/", "build/", "old/", "backups/")
"""Folders that only running something makes."""


@cache
def tracked() -> frozenset[str]:
    command = ["git", "ls-files"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(told.stdout.splitlines())


def documents() -> list[str]:
    return sorted(name for name in tracked() if name.endswith(".md"))


def spans(document: str) -> set[str]:
    """What stands in code spans, outside of blocks."""
    return set(SPAN.findall(FENCE.sub("", (ROOT / document).read_text())))


@pytest.mark.parametrize("document", documents())
def test_modules_that_are_named_can_be_imported(document: str) -> None:
    for name in filter(MODULE.fullmatch, spans(document)):
        assert resolved(name), name


def resolved(name: str) -> bool:
    """Whether `name` is a module, or something in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("document", documents())
def test_files_that_are_named_are_there(document: str) -> None:
    for name in filter(FILE.fullmatch, spans(document)):
        if not name.startswith(WRITTEN):
            assert any(f"/{file}".endswith(f"/{name}") for file in tracked()), name


@pytest.mark.parametrize("document", documents())
def test_commands_that_are_named_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    shown = [
        *spans(document),
        *(code for language, code in FENCE.findall(text) if language != "yaml"),
    ]
    for words in (found for code in shown for found in COMMAND.findall(code)):
        assert exists(*words), f"sz {' '.join(words)}"


def exists(name: str, sub: str) -> bool:
    """Whether `sz NAME` is a command, and SUB one of it where it has commands of its own."""
    listed = sz.commands.get(name)
    command = listed.load() if isinstance(listed, Listed) else None
    if isinstance(command, click.Group) and sub:
        return sub in command.commands
    return command is not None


@pytest.mark.parametrize("document", documents())
def test_metrics_that_are_named_are_those_of_the_page_on_metrics(document: str) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    for name in filter(METRIC.fullmatch, spans(document)):
        assert name in page or name.removesuffix("_total") in page, name
