"""The blocks of docs/sdk.md and docs/cli.md, run as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from systemzero_client.cli.exits import Exit
from tests.support.captures import CAPTURES
from tests.support.cli import Sz
from tests.support.platform import Platform, running

DOCS = Path(__file__).parent.parent.parent / "docs"
APP = CAPTURES / "parcel-console"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running("standalone", tmp_path_factory.mktemp("platform")) as started:
        yield started


@pytest.fixture
def sz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sz:
    return Sz(tmp_path / "home", monkeypatch, capfd)


def blocks(name: str, language: str) -> list[str]:
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_example_of_the_sdk_runs(platform: Platform, sz: Sz, tmp_path: Path) -> None:
    [example] = blocks("sdk.md", "python")
    script = tmp_path / "example.py"
    script.write_text(example, encoding="utf-8")
    good, today = tmp_path / "good.yml", tmp_path / "today.yml"
    good.write_bytes((APP / "4.15.5__1-console.aria.yml").read_bytes())
    today.write_bytes((APP / "5.31.0__1-console.aria.yml").read_bytes())
    key = platform.data / "gateway" / "admin.key"
    ran = subprocess.run(
        [sys.executable, script, platform.target, key, good, today],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == "VERDICT_KIND_DRIFT"
    assert lines[-2].startswith("in the log: drift.event at ")
    assert lines[-1] == "NOT_FOUND NOT_FOUND"


def test_the_first_commands_run(platform: Platform, sz: Sz, tmp_path: Path) -> None:
    commands = [line.split()[1:] for line in blocks("cli.md", "")[0].splitlines()]
    files = {
        "good-1.ax.json.gz": APP / "4.15.5__1-console.ax.json.gz",
        "good-2.ax.json.gz": APP / "4.15.5__1-console-again.ax.json.gz",
        "today.ax.json.gz": APP / "4.15.5__1-console-reload.ax.json.gz",
        "data/gateway/admin.key": platform.data / "gateway" / "admin.key",
        "127.0.0.1:50051": platform.target,
    }
    runs = [sz(*(files.get(word, word) for word in words)) for words in commands]
    assert [ran.status for ran in runs] == [Exit.UNCHANGED] * 4
    assert runs[2].out.startswith("UNCHANGED")
    assert runs[3].out.startswith("VERIFIED")


def test_every_command_is_in_the_page(sz: Sz) -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    help_page = sz("--help").out
    commands = re.findall(r"^  ([a-z]+)  ", help_page.partition("Commands:")[2], re.MULTILINE)
    assert len(commands) > 10, "the help page has changed its form"
    for command in commands:
        assert re.search(rf"sz [a-z\\|]*{command}", page), command
