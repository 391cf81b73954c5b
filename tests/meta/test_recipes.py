"""docs/recipes.md, done: its plug-ins are built, installed by themselves, and used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import ROOT, blocks

PAGE = "docs/recipes.md"
BEFORE = b"%lines\nheading Cart\nbutton Pay\n"
AFTER = b"%lines\nheading Cart\nbutton Buy\n"
ASK = """\
import json, sys
from pathlib import Path

from systemzero_base.plugins import load_detectors, load_formats
from systemzero_core.diff import diff
from systemzero_core.drift import judge
from systemzero_core.tree import Node, Tree
from tests.support.trees import template

formats, detectors = load_formats(), load_detectors()
read = formats.parse(Path(sys.argv[1]).read_bytes())
old, new = (
    Tree([Node("document", attributes=(("lang", lang),)), Node("text", "Pear")], [-1, 0])
    for lang in ("en", "de")
)
findings = judge(template(old), new, diff(old, new), detectors=detectors).findings
names = [node.name for node in read.tree.nodes]
print(json.dumps([read.format, names, [finding.code for finding in findings]]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recipes' package in it, and nothing else."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    (source / "recipes").mkdir()
    (project,) = blocks(PAGE, "toml")
    (source / "pyproject.toml").write_text(project)
    (source / "recipes" / "__init__.py").touch()
    for name, text in zip(("language", "lines"), blocks(PAGE, "python"), strict=True):
        (source / "recipes" / f"{name}.py").write_text(text)
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation"]
    run([*pip, "--no-index", "--target", str(target), str(source)], source)
    return target


def run(command: list[str], plugins: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": f"{plugins}:{ROOT}"}
    told = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert told.returncode in (0, 1), told.stderr
    return told


def test_the_format_and_the_detector_are_found_and_used(installed: Path, tmp_path: Path) -> None:
    screen = tmp_path / "screen"
    screen.write_bytes(BEFORE)
    told = run([sys.executable, "-c", ASK, str(screen)], installed)
    assert told.returncode == 0, told.stderr
    form, names, codes = json.loads(told.stdout)
    assert (form, names) == ("lines", ["", "Cart", "Pay"])
    assert "language_changed" in codes


def test_the_client_reads_the_format(installed: Path, tmp_path: Path) -> None:
    for name, data in (("before", BEFORE), ("after", AFTER)):
        (tmp_path / name).write_bytes(data)
    sz = [sys.executable, "-m", "systemzero_client", "diff"]
    told = run([*sz, str(tmp_path / "before"), str(tmp_path / "after")], installed)
    assert told.returncode == 1, told.stderr
    assert "Buy" in told.stdout


def test_every_test_that_a_recipe_names_is_there() -> None:
    named = re.findall(r"tests/[\w/]+(?:\.py)?", (ROOT / PAGE).read_text())
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []
