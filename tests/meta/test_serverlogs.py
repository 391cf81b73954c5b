"""What is seen of a test that fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FAILS = """
def test_fails(tmp_path):
    (tmp_path / "capture").mkdir()
    (tmp_path / "capture" / "stderr.log").write_text("x" * 10_000 + " what the server said")
    assert 1 == 2

def test_passes(tmp_path):
    (tmp_path / "stderr.log").write_text("what nobody needs")
"""


def test_a_failure_shows_the_last_words_of_the_servers_logs(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FAILS)
    plugins = ("-p", "no:cacheprovider", "-p", "tests.support.serverlogs")
    command = [sys.executable, "-m", "pytest", *plugins, str(tmp_path / "test_it.py")]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert "log stderr.log in " in shown
    assert " what the server said" in shown
    assert "x" * 5_000 not in shown
    assert "what nobody needs" not in shown
