"""A package's private names are touched by its own tests alone: others hold to what it promises."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PATCHING = {"setattr", "delattr", "getattr", "hasattr"}

Touched = tuple[int, str, frozenset[str]]
"""A line, what it touches, and the packages that have such a name."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


@cache
def packages_with() -> dict[str, frozenset[str]]:
    """Each private name, and which packages bind it: `diff` for `systemzero_diff`."""
    found: dict[str, set[str]] = {}
    for folder in ("libs", "services"):
        for path in (TESTS.parent / folder).glob("*/systemzero_*/**/*.py"):
            package = path.relative_to(TESTS.parent / folder).parts[0]
            for name in filter(is_private, bound(ast.parse(path.read_text()))):
                found.setdefault(name, set()).add(package)
    return {name: frozenset(packages) for name, packages in found.items()}


def bound(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                yield name


def touched(module: ast.Module) -> Iterator[Touched]:
    """The private names of packages, and of other tests, that a test touches."""
    has = packages_with()
    for node in ast.walk(module):
        match node:
            case ast.ImportFrom(module=str(source)):
                top = source.partition(".")[0]
                for name in (f"{source}.{alias.name}" for alias in node.names):
                    if any(map(is_private, name.split("."))) and top.startswith(
                        ("systemzero_", "tests")
                    ):
                        yield node.lineno, name, frozenset({top.removeprefix("systemzero_")})
            case ast.Attribute(attr=name) if name in has and not is_own(node.value):
                yield node.lineno, ast.unparse(node), has[name]
            case ast.Call(func=ast.Attribute(attr=called) | ast.Name(id=called)):
                for word in node.args if called in PATCHING else ():
                    match word:
                        case ast.Constant(value=str(path)) if path.split(".")[-1] in has:
                            yield node.lineno, ast.unparse(node), has[path.split(".")[-1]]


def is_own(owner: ast.expr) -> bool:
    return isinstance(owner, ast.Name) and owner.id in {"self", "cls"}


def touched_of_others(path: Path) -> list[str]:
    """What a file of tests touches that is private to a package in whose room it does not stand."""
    kind, *room = path.relative_to(TESTS).parts
    package = room[0] if kind in {"unit", "integration"} else ""
    return [
        f"{path.relative_to(TESTS)}:{line}: {what} of {', '.join(sorted(packages))}"
        for line, what, packages in touched(ast.parse(path.read_text()))
        if package not in packages
    ]


def test_private_names_are_touched_in_the_rooms_of_their_packages_alone() -> None:
    assert [each for path in sorted(TESTS.rglob("*.py")) for each in touched_of_others(path)] == []


@pytest.mark.parametrize(
    "source",
    [
        "from systemzero_gateway.store._keys import KeyRows",
        "from systemzero_storage.postgres.sessions import _held_to",
        "from tests.support.pair import _verifier",
        "service._database.close()",
        "monkeypatch.setattr(service, '_eraser', None)",
        "monkeypatch.setattr('systemzero_client.bounds._GROWTH_BYTES', 1)",
    ],
)
def test_each_way_to_touch_one_is_seen(source: str) -> None:
    assert len(list(touched(ast.parse(source)))) == 1


@pytest.mark.parametrize("source", ["self._database", "act._replace(n=1)", "process._popen"])
def test_what_is_ones_own_or_a_librarys_is_let_be(source: str) -> None:
    assert list(touched(ast.parse(source))) == []
