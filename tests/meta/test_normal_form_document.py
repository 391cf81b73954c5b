"""docs/design/normal-form.md and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from systemzero_core.normalize import NORMAL_FORM_VERSION, Filter, filters, role_tables
from systemzero_core.normalize import attributes as rules
from systemzero_core.signature import SIGNATURE_VERSION, sign, subtree_hashes
from tests.unit.core.test_signature import LOGIN

TEXT = (Path(__file__).parents[2] / "docs" / "design" / "normal-form.md").read_text()


def words_after(lead: str) -> set[str]:
    """The words in back quotes that follow `lead`, up to the first that is not one."""
    text = " ".join(TEXT.split())
    rest = text[text.index(lead) + len(lead) :]
    found = re.match(r"(\s*`[^`]+`)+", rest)
    assert found is not None, lead
    return set(re.findall(r"`([^`]+)`", found.group()))


def table_under(heading: str) -> dict[str, str]:
    section = TEXT[TEXT.index(f"### {heading}\n") :].split("\n###", 1)[0]
    found = {}
    for normal, owns in re.findall(r"^\| `([^`]+)` \| (.+) \|$", section, re.MULTILINE):
        found.update(dict.fromkeys(re.findall(r"`([^`]+)`", owns), normal))
    return found


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("Platform roles", role_tables.PLATFORM_ROLES),
        ("iOS types", role_tables.IOS_TYPES),
        ("Android classes", role_tables.ANDROID_CLASSES),
        ("Android endings", dict(role_tables.ANDROID_SUFFIXES)),
    ],
)
def test_the_role_tables(heading: str, table: dict[str, str]) -> None:
    assert table_under(heading) == table


def test_android_endings_stand_in_the_order_they_are_tried() -> None:
    assert list(table_under("Android endings")) == [end for end, _ in role_tables.ANDROID_SUFFIXES]


@pytest.mark.parametrize(
    ("lead", "words"),
    [
        ("Normal roles:", role_tables.ARIA_ROLES),
        ("where ARIA has no concrete role:", role_tables.EXTENSION_ROLES),
        ("Dropped as transient:", rules.TRANSIENT_STATES),
        ("Dropped: empty ones, and", rules.TRANSIENT_ATTRIBUTES),
        ("its name if its role is one of", filters.NAME_FROM_CONTENT),
        ("its value if it is one of", filters.FIELDS),
        ("and no attributes but", filters.MARKS),
    ],
)
def test_the_lists_of_words(lead: str, words: frozenset[str]) -> None:
    assert words_after(lead) == words


def test_the_renamed_states() -> None:
    part = TEXT[TEXT.index("then renamed:") : TEXT.index("Dropped as transient:")]
    assert dict(re.findall(r"`([^`]+)`\s+to\s+`([^`]+)`", part)) == rules.STATE_NAMES


def test_the_pattern_of_generated_ids() -> None:
    written = TEXT[TEXT.index("The pattern for generated ids") :].split("```", 2)[1]
    assert "".join(written.split()) == "".join(rules.GENERATED_ID.pattern.split())


def test_every_filter_is_described() -> None:
    assert all(f"`{name}`" in TEXT for name in Filter)


def test_the_worked_example_and_the_versions() -> None:
    assert f"version **{NORMAL_FORM_VERSION}**, signature version **{SIGNATURE_VERSION}**" in TEXT
    for digest in (*sign(LOGIN), *subtree_hashes(LOGIN)):
        assert digest.hex() in TEXT
