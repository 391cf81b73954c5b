"""The same digests, masks, policies and verdicts on every interpreter, in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.golden import GOLDEN, differences
from tests.support.interpreters import NAMES, OLDEST, ROOT, Missing, with_domain


def content(python: Path | str, hash_seed: str, *options: str) -> str:
    """What `python` finds in tests/data."""
    done = subprocess.run(
        [python, "-m", "scripts.golden", *options, "-"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'libs' / 'core'}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_what_is_found_is_what_the_golden_file_says(hash_seed: str) -> None:
    found = content(sys.executable, hash_seed)
    told = "\n".join(differences(GOLDEN.read_text(), found))
    assert not told, f"where that is meant, `make golden` writes the file anew:\n{told}"


@pytest.mark.parametrize("name", NAMES)
def test_other_interpreters_find_the_same(name: str) -> None:
    try:
        python = with_domain(name)
    except Missing as missing:
        if name == OLDEST and os.environ.get("SYSTEMZERO_TEST_OLDEST_PYTHON"):
            raise
        pytest.skip(str(missing))
    found = content(python, "7")
    if differences(GOLDEN.read_text(), found):
        here, there = (content(p, "7", "--whole") for p in (sys.executable, python))
        told = differences(here, there) or differences(GOLDEN.read_text(), found)
        pytest.fail(f"{python} differs:\n" + "\n".join(told))


def test_a_difference_is_told_by_where_it_is_and_where_it_starts() -> None:
    wanted = '{"pairs": {"a to b": {"verdict": "drift", "shown": "%s1"}}}' % ("x" * 500)
    got = '{"pairs": {"a to b": {"verdict": "unchanged", "shown": "%s2"}}}' % ("x" * 500)
    shown, verdict = differences(wanted, got)
    assert verdict == "'pairs' / 'a to b' / 'verdict': wanted 'drift', got 'unchanged'"
    assert shown.startswith("'pairs' / 'a to b' / 'shown': wanted …xxx")
    assert len(shown) < 300
    assert differences(wanted, wanted) == []
