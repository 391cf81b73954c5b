"""`make demo`: every step, and a step that does not end as it should."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.captures import CAPTURES
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parent.parent.parent


def demo(root: Path, temporary: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts.demo"],
        cwd=root,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_the_demo_tells_the_main_job(tmp_path: Path) -> None:
    told = demo(ROOT, tmp_path)
    assert told.returncode == 0, told.stdout + told.stderr
    words = ["LEARNT", "UNCHANGED", "DRIFT", "UNKNOWN_SCREEN", "INCONCLUSIVE", "LOGGED"]
    words += ["VERIFIED"] * 3 + ["FOUND OUT"] * 2
    assert re.findall(r"^ {6}([A-Z_]+(?: OUT)?)  ", told.stdout, re.MULTILINE) == words
    assert "button “post /parcels” renamed to “POST /parcels Announce a parcel”" in told.stdout
    assert "document “Parcel Desk console” › " in told.stdout
    assert "\x1b" not in told.stdout
    (folder,) = tmp_path.glob("systemzero-demo-*")
    assert f"in {folder}\n" in told.stdout
    whole, altered = (folder / name for name in ("log.jsonl", "log-altered.jsonl"))
    bytes_of = zip(whole.read_bytes(), altered.read_bytes(), strict=True)
    assert sum(a != b for a, b in bytes_of) == 1
    assert "Traceback" not in (folder / "service.log").read_text()


def test_a_step_that_ends_otherwise_fails_the_demo(tmp_path: Path) -> None:
    copied = tmp_path / "tests" / "data" / "captures"
    shutil.copytree(ROOT / "scripts" / "demo", tmp_path / "scripts" / "demo")
    shutil.copytree(CAPTURES, copied)
    for part in ("ax", "dom"):
        later = copied / "parcel-console" / f"5.31.0__1-console.{part}.json.gz"
        later.rename(later.with_name(f"4.15.5__1-console-reload.{part}.json.gz"))
    told = demo(tmp_path, tmp_path)
    assert told.returncode == 1
    assert "FAILED  the verdict on 4.15.5__1-console-reload: expected VERDICT" in told.stdout
