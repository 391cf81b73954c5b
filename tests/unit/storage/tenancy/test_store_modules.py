"""No store has a way around the tenant: what its modules may not so much as name."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Executable, Insert

from systemzero_storage.tenancy.scope import Unscoped, check_scoped

ROOT = Path(__file__).parents[4]
STORES = sorted(
    path.relative_to(ROOT)
    for path in ROOT.glob("services/*/systemzero_*/store/*.py")
    if path.name not in ("__init__.py", "protocol.py", "tables.py")
)
ACROSS = {
    "services/capture/systemzero_capture/store/capture_erasure.py": "what is unfinished",
    "services/capture/systemzero_capture/store/marks.py": "marks of the database are of no tenant",
    "services/capture/systemzero_capture/store/sql.py": "which tenants have to be looked after",
    "services/diff/systemzero_diff/store/evidence.py": "checks all rows beside the whole log",
    "services/diff/systemzero_diff/store/pairing.py": "the mark of the database is of no tenant",
    "services/gateway/systemzero_gateway/store/_changes.py": "the count of changes is of no tenant",
    "services/gateway/systemzero_gateway/store/_keys.py": "rows for the two stores that add keys",
    "services/gateway/systemzero_gateway/store/signing.py": "signing keys are of no tenant",
    "services/gateway/systemzero_gateway/store/sql.py": "a key is found before its tenant is known",
    "services/gateway/systemzero_gateway/store/tenants.py": "administers tenants",
}
"""Those that reach across tenants, and why."""
STATEMENTS_ACROSS = {
    ("systemzero_capture.store.retention", "NEXT_TENANT"),
    ("systemzero_capture.store.capture_erasure", "_UNFINISHED"),
}


def forbidden(path: Path) -> Iterator[str]:
    """The names in a module by which a statement gets around its tenant."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            names = {"Connection", "Engine", "text", "literal_column", "TextClause"}
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.Attribute):
            if node.attr in ("exec_driver_sql", "unscoped"):
                yield node.attr
            owner = node.value
            if node.attr in ("read", "write") and isinstance(owner, ast.Attribute | ast.Name):
                name = owner.attr if isinstance(owner, ast.Attribute) else owner.id
                if name.endswith("database"):
                    yield f"{name}.{node.attr}"


@pytest.mark.parametrize("path", STORES, ids=str)
def test_a_store_reaches_across_tenants_only_where_it_is_said_why(path: Path) -> None:
    found = set(forbidden(path))
    assert bool(found) == (str(path) in ACROSS), found


def test_the_exceptions_are_stores() -> None:
    assert {str(path) for path in STORES} >= set(ACROSS)


@pytest.mark.parametrize("path", STORES, ids=str)
def test_every_prepared_statement_is_held_to_a_tenant(path: Path) -> None:
    name = ".".join(path.with_suffix("").parts[2:])
    if str(path) in ACROSS and "gateway" in name:
        pytest.skip(ACROSS[str(path)])
    for key, value in vars(importlib.import_module(name)).items():
        if not isinstance(value, Executable) or (name, key) in STATEMENTS_ACROSS:
            continue
        if not isinstance(value, Insert):
            check_scoped(value)


def test_what_is_forbidden_is_found() -> None:
    module = importlib.import_module("systemzero_capture.store.retention")
    with pytest.raises(Unscoped):
        check_scoped(module.NEXT_TENANT)
    assert set(forbidden(Path("services/diff/systemzero_diff/store/evidence.py")))
