"""No test depends on the machine's pace: what must come is waited for as long as it may need."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.patience import PATIENCE

TESTS = Path(__file__).parent.parent
FILES = sorted(path for path in TESTS.rglob("*.py") if "crash" not in path.parts)
WAITS = {"wait_for", "wait", "result", "join", "timeout", "Timer"}
"""Calls, by their last name, whose last number is how long they wait."""
SHORT = 1.0
"""Seconds up to which a number may stand for itself: that they pass is what is tested."""


def waits(tree: ast.AST) -> Iterator[tuple[int, float]]:
    """Line and seconds of every wait whose length is a number."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            given = [each.value for each in node.keywords if each.arg == "timeout"]
            if _last_name(node.func) in WAITS:
                given += node.args[-1:]
            for each in given:
                if isinstance(each, ast.Constant) and isinstance(each.value, int | float):
                    yield node.lineno, float(each.value)


def _last_name(function: ast.expr) -> str:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def test_who_waits_for_what_must_come_has_patience() -> None:
    impatient = [
        f"{path.relative_to(TESTS)}:{line}: {seconds:g} seconds"
        for path in FILES
        for line, seconds in waits(ast.parse(path.read_text()))
        if SHORT < seconds < PATIENCE
    ]
    assert impatient == [], "give it PATIENCE, of tests/support/patience.py"


def test_waits_are_found_wherever_they_stand() -> None:
    code = "await wait_for(f(), 20)\na.join(3)\ncall(x, timeout=5)\nasyncio.timeout(60)\nb(9)"
    assert sorted(waits(ast.parse(code))) == [(1, 20.0), (2, 3.0), (3, 5.0), (4, 60.0)]
