"""What one capture shows to change by itself, and what it must not."""

from __future__ import annotations

import pytest

from systemzero_core.template.live import live_fields
from systemzero_core.template.patterns import compile_pattern
from systemzero_core.tree import Node


def patterns(role: str, name: str = "", value: str = "", **attributes: str) -> dict[str, str]:
    node = Node(role, name, value, (), None, tuple(sorted(attributes.items())))
    return {live.field: live.pattern for live in live_fields(node)}


@pytest.mark.parametrize(
    ("text", "later", "no_longer"),
    [
        ("Updated 10:05", "Updated 23:59", "Updated never"),
        ("10:05:31", "10:06:00", "closed"),
        ("Saved Nov 22, 2026, 8:52:02 AM", "Saved Dec 1, 2026, 9:00:00 PM", "Lost 8:52:02 AM"),
        ("Made 2026-11-22T08:50:44.025314", "Made 2026-12-01T00:00:01.5", "Made today"),
        ("Queries took 7.395ms", "Queries took 11.3ms", "Queries failed"),
        ("took 12 ms", "took 9 ms", "took too long"),
        ("Uptime: 0:46:32", "Uptime: 1:02:03", "Downtime: 0:46:32"),
        ("by Ann, 3 minutes ago", "by Ann, 5 minutes ago", "by Bob, 3 minutes ago"),
        ("3 minutes ago", "59 minutes ago", "9 years ago"),
    ],
)
def test_clocks_ages_and_times_taken_run(text: str, later: str, no_longer: str) -> None:
    found = compile_pattern(patterns("text", text)["name"])
    assert found.matches(text)
    assert found.matches(later)
    assert not found.matches(no_longer)


@pytest.mark.parametrize(
    "text",
    [
        "Total $12.50",
        "Opens 9:00",
        "Due 2026-12-01",
        "14 days",
        "Returned within 30 days",
        "Version 1.4.0",
        "1,234 views",
        "Save 20%",
        "Updated 9 years ago",
        "Timeout: 500 ms",
        "I agree to pay within 14 days",
        "",
    ],
)
def test_what_a_person_relies_on_does_not(text: str) -> None:
    assert not patterns("text", text, title=text)
    assert not patterns("button", text, value=text)


def test_a_meter_shows_a_state_and_keeps_its_label() -> None:
    found = patterns("progressbar", "Disk 74%", "74", valuetext="74 %")
    assert found["name"] == "Disk {number}%"
    assert found["value"] == "{any}"
    assert found["attributes.valuetext"] == "{any}"
    assert not patterns("slider", "Disk", "74", valuetext="74 %")


@pytest.mark.parametrize(
    ("identifier", "pattern"),
    [
        ("id_limit_Ube8uzFb", "id_limit_{any}"),
        ("modebar-5a7784", "modebar-{any}"),
        ("f_0b7ad4b1-8c7f-4d1b-9a51-0a3d8c1c4f01-x", "f_{any}-x"),
    ],
)
def test_identifiers_made_at_random_are_told(identifier: str, pattern: str) -> None:
    assert patterns("textbox", id=identifier) == {"attributes.id": pattern}


@pytest.mark.parametrize(
    "identifier",
    ["login-form", "userNameInputBox", "XMLHttpRequest", "facade", "step-12", "id_2024", "h1", ""],
)
def test_identifiers_that_somebody_chose_stay(identifier: str) -> None:
    assert not patterns("textbox", id=identifier)
