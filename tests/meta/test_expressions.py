"""No expression of ours uses what Python's patch releases match differently."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import pytest

import systemzero_admin
import systemzero_base
import systemzero_capture
import systemzero_client
import systemzero_core
import systemzero_diff
import systemzero_evidence
import systemzero_gateway
import systemzero_runtime
import systemzero_standalone
import systemzero_storage
import systemzero_wire

PACKAGES = (
    systemzero_capture,
    systemzero_admin,
    systemzero_base,
    systemzero_evidence,
    systemzero_runtime,
    systemzero_storage,
    systemzero_wire,
    systemzero_client,
    systemzero_core,
    systemzero_diff,
    systemzero_gateway,
    systemzero_standalone,
)
VARYING = {"POSSESSIVE_REPEAT", "ATOMIC_GROUP"}
"""Python 3.11 brought them, and matched them wrongly up to 3.11.4."""


def operators(parsed: Any) -> Iterator[str]:
    for part in parsed:
        if type(part).__name__ == "SubPattern" or isinstance(part, (list, tuple)):
            yield from operators(part)
        elif type(part).__name__ == "_NamedIntConstant":
            yield part.name


def expressions(package: ModuleType) -> Iterator[tuple[str, re.Pattern[Any]]]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(found.name)).items():
                if isinstance(value, re.Pattern):
                    yield f"{found.name}.{name}", value


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_expressions_mean_the_same_in_every_release(package: ModuleType) -> None:
    used = {
        name: sorted(VARYING & set(operators(_parser.parse(found.pattern, found.flags))))
        for name, found in expressions(package)
    }
    assert {name: varying for name, varying in used.items() if varying} == {}


@pytest.mark.parametrize("source", ["(?>a)", "a++", "(?:b|(a?+))"])
def test_varying_operators_are_seen(source: str) -> None:
    assert VARYING & set(operators(_parser.parse(source)))
