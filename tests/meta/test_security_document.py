"""What docs/security.md says that an attacker cannot do, each with what shows it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "security.md"
TEXT = DOCUMENT.read_text()
SHOWN_BY = dict(re.findall(r"^\[([\w-]+)\]: (\S+)$", TEXT, re.MULTILINE))
_REFERENCE = re.compile(r"\[[^\]]+\]\[([\w-]+)\]|\[([\w-]+)\](?![\[(:])")


def claims() -> list[str]:
    """The last column of every row of a table of what somebody cannot do."""
    found: list[str] = []
    in_table = False
    for line in TEXT.splitlines():
        if line.startswith("| cannot |"):
            in_table = True
        elif not line.startswith("|"):
            in_table = False
        elif in_table and not line.startswith("|---"):
            found.append(line.rstrip(" |").rpartition(" | ")[2])
    return found


def test_every_claim_names_what_shows_it() -> None:
    assert len(claims()) > 40
    for column in claims():
        names = [one or other for one, other in _REFERENCE.findall(column)]
        assert names, column
        assert set(names) <= SHOWN_BY.keys(), column


def test_what_shows_it_is_there_and_is_used() -> None:
    used = {one or other for one, other in _REFERENCE.findall(TEXT)}
    assert SHOWN_BY.keys() <= used
    for path in SHOWN_BY.values():
        assert (DOCUMENT.parent / path).resolve().is_file(), path


def test_every_attack_of_the_tests_is_in_the_document() -> None:
    files = {path.name for path in (ROOT / "tests" / "security").glob("test_*.py")}
    assert files <= {Path(path).name for path in SHOWN_BY.values()}
