"""The AT-SPI dumper on a virtual screen, where the machine has the system packages for it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from systemzero_core.formats import parse
from systemzero_core.tree import Tree
from tests.support.captures import CAPTURES

SCRIPTS = Path(__file__).parents[3] / "scripts"
PYTHON = "/usr/bin/python3"


def has_atspi() -> bool:
    needed = "import gi; gi.require_version('Atspi', '2.0'); gi.require_version('Gtk', '3.0')"
    if not all(map(shutil.which, (PYTHON, "xvfb-run", "dbus-run-session", "openbox"))):
        return False
    return subprocess.run([PYTHON, "-c", needed], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not has_atspi(), reason="Debian's AT-SPI packages are missing")


def outline(tree: Tree) -> list[tuple[int, str, str]]:
    return [(d, n.role, n.name) for n, d in zip(tree.nodes, tree.depths, strict=True)]


def test_the_demo_program_is_recorded_as_it_was(tmp_path: Path) -> None:
    subprocess.run([SCRIPTS / "record_gtk.sh", tmp_path], check=True, capture_output=True)
    for state in ("list", "edit"):
        now = parse((tmp_path / f"{state}.json").read_bytes()).tree
        kept = parse((CAPTURES / "gtk-demo" / f"{state}.json").read_bytes()).tree
        assert outline(now) == outline(kept)


def test_without_a_bus_one_line_says_so() -> None:
    bare = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    bare |= {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
    command = [PYTHON, str(SCRIPTS / "capture_atspi.py"), "--list"]
    done = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "no accessibility bus in this session: is at-spi2-core installed?"
    ]
