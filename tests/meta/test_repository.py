"""What is written about the project is true of it."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from systemzero.errors.v1 import errors_pb2
from systemzero_core import errors
from systemzero_wire.errors import code_of

ROOT = Path(__file__).parent.parent.parent
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"``?[^`]+``?")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")
ABROAD = re.compile(r"(?:https://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[^\s<>]*)?|mailto:\S+@\S+)")
MADE = re.compile(r"(?:`|^ {4}|^)make ([a-z][a-z-]*)", re.MULTILINE)
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.])/(?:work|root|home/[a-z]\w*)\b/?"  # absolute paths that other machines have not
    r"|://[\w.-]*(?:registry|pypi|pythonhosted|npmjs|debian)[\w.-]*"
)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def links(document: Path) -> list[str]:
    text = CODE.sub("", FENCED.sub("", document.read_text()))
    return [inline or defined for inline, defined in LINK.findall(text)]


@cache
def anchors(document: Path) -> set[str]:
    """The anchors of a document, made of its headings as GitHub makes them, and its own."""
    text = FENCED.sub("", document.read_text())
    found = set(ANCHOR.findall(text))
    headings: Counter[str] = Counter()
    for heading in HEADING.findall(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.add(f"{slug}-{headings[slug]}" if headings[slug] else slug)
        headings[slug] += 1
    return found


@pytest.mark.parametrize("document", documents(), ids=named)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        if ":" in link.partition("/")[0]:
            assert ABROAD.fullmatch(link), link
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / unquote(name) if name else document
        assert target.exists(), link
        if anchor:
            assert target.suffix == ".md", link
            assert anchor in anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize("document", documents(), ids=named)
def test_every_make_target_that_is_mentioned_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    assert set(MADE.findall(document.read_text())) <= targets


def test_every_make_target_is_in_the_help() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (\S+)", makefile, re.MULTILINE))
    command = ["make", "--no-print-directory", "help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split()[0] for line in told.stdout.splitlines()} == targets


def test_no_file_names_a_place_of_one_machine() -> None:
    found = []
    for path in tracked():
        if path == Path(__file__) or not path.is_file():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{named(path)}: {match[0]}" for match in OF_ONE_MACHINE.finditer(text)]
    assert found == []


def test_every_reason_is_documented_with_its_code() -> None:
    document = (ROOT / "docs" / "errors.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", document, re.MULTILINE))
    reasons = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()}  # noqa: SIM118
    assert set(rows) == reasons - {"UNSPECIFIED"}
    for kind in subclasses(errors.DomainError):
        assert rows[kind.reason] == code_of(kind.__new__(kind)).name


def subclasses(kind: type[errors.DomainError]) -> list[type[errors.DomainError]]:
    own = [kind, *(c for c in kind.__subclasses__() if c.__module__ == errors.__name__)]
    return own[:1] + [found for child in own[1:] for found in subclasses(child)]


def test_every_dependency_is_accounted_for() -> None:
    document = (ROOT / "docs" / "design" / "dependencies.md").read_text()
    wanted = set()
    for path in tracked():
        if path.name == "pyproject.toml":
            parsed = tomllib.loads(path.read_text())
            wanted.update(parsed["project"].get("dependencies", ()))
            wanted.update(parsed.get("dependency-groups", {}).get("dev", ()))
    names = {re.split(r"[^\w.-]", one)[0].lower() for one in wanted}
    missing = {n for n in names if not n.startswith("systemzero")} - set(
        re.findall(r"[\w.-]+", document.lower())
    )
    assert missing == set()


def test_what_is_locked_is_locked_by_hash() -> None:
    locks = [path for path in tracked() if path.name == "requirements.lock"]
    assert len(locks) > 2
    for path in locks:
        found = re.findall(
            r"^\S+==\S+(?: ;.*?)? \\$\n +--hash=sha256:", path.read_text(), re.MULTILINE
        )
        named = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,]+\])?==", path.read_text(), re.MULTILINE)
        assert len(found) == len(named) > 0, path


def test_the_glossary_says_each_word_in_one_sentence() -> None:
    document = (ROOT / "docs" / "glossary.md").read_text()
    rows = [
        row
        for row in re.findall(r"^\| (.+?) \| (.+) \|$", document, re.MULTILINE)
        if row[0] != "word"
    ]
    words = [word for row in rows for word in row[0].split(", ")]
    assert len(words) > 40
    assert [row for row in rows if not re.fullmatch(r"[^.]+\.", row[1])] == []
