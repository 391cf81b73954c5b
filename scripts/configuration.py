"""Write docs/configuration.md from the services' settings: `python -m scripts.configuration`.

What can be set, its type, default and meaning stand in the settings classes alone (their fields and
the section `Attributes` of their docstrings); a test holds the page to them.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec import inspect as types

from systemzero_base.settings.config import Settings
from systemzero_capture import config as capture
from systemzero_diff import config as diff
from systemzero_gateway import config as gateway
from systemzero_standalone import config as standalone
from systemzero_standalone.config import UNHEEDED

PAGE: Final = Path(__file__).parents[1] / "docs" / "configuration.md"

SERVICES: Final[dict[str, tuple[type[Settings], str]]] = {
    "gateway": (gateway.GatewaySettings, gateway.PREFIX),
    "capture": (capture.CaptureSettings, capture.ENVIRONMENT_PREFIX),
    "diff": (diff.DiffSettings, diff.ENVIRONMENT_PREFIX),
    "standalone": (standalone.StandaloneSettings, standalone.ENVIRONMENT_PREFIX),
}
_ELSEWHERE: Final = {"standalone": ("gateway", "capture", "diff")}
"""Sections that another service's table describes."""

_HEAD: Final = """\
# Configuration

Written by `make configuration` from the settings classes; a test fails where the two differ.

A service takes its settings from the YAML file that `--config` names, then from the environment,
where the keys of a section are joined by two underscores: `limits.tenant.burst` of the gateway is
`SZ_GATEWAY_LIMITS__TENANT__BURST`. A value that begins with `[` or `{` is read as YAML.
`--check-config` checks everything that can be checked without starting. Secrets are never values:
settings name the files that hold them.

An unknown key is an error, in both. So is every variable that begins with `SZ_` and is not this
process's own: `SZ_GATEWAY_TLS__KEY` is refused by the standalone process, whose gateway has
`SZ_STANDALONE_GATEWAY__TLS__KEY`. `SZ_ADMIN_…` is for `sz-admin` alone.

A service that listens for calls on more than loopback without TLS logs a warning,
`listening in the clear`.

Durations are in seconds. `OTEL_*` variables configure traces, as OpenTelemetry defines them.
"""


class Row(NamedTuple):
    """One thing that can be set."""

    key: str
    type: str
    default: str
    meaning: str


def main() -> int:
    """Write the page."""
    PAGE.write_text(page())
    return 0


def page() -> str:
    """The page as the classes are now."""
    parts = [_HEAD]
    for name, (kind, prefix) in SERVICES.items():
        parts.append(f"## {name}\n\nIn the environment: `{prefix}…`.\n")
        if skipped := _ELSEWHERE.get(name):
            parts.append(
                "Besides these, a section for each service, with the settings of that service "
                "above, but for those that one process does not heed:\n"
            )
            parts.extend(f"- `{s}`, without {_listed(UNHEEDED[s])}" for s in skipped)
            parts.append("")
        parts.append(_table(rows(kind, _ELSEWHERE.get(name, ()))))
    return "\n".join(parts)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def rows(kind: type[Settings], without: tuple[str, ...] = ()) -> Iterator[Row]:
    """What can be set of a class, with what can be set of its sections."""
    yield from _rows(types.type_info(kind), "", kind(), without)


def _rows(info: Any, above: str, default: Any, without: tuple[str, ...] = ()) -> Iterator[Row]:
    """Rows of a section; `default` is the whole section's, None where it is optional."""
    meanings = _meanings(info.cls)
    for field in info.fields:
        if not above and field.name in without:
            continue
        key, inner = f"{above}{field.name}", _section(field.type)
        meaning = meanings.get(field.name, "")
        if inner is None or _optional(field.type):
            yield Row(key, _said(field.type), _default(field, default), meaning)
        if inner is not None:
            yield from _rows(inner, f"{key}.", getattr(default, field.name, None))


def _section(kind: Any) -> Any:
    """The section that a field is, if it is one."""
    if isinstance(kind, types.UnionType):
        found = [one for one in kind.types if isinstance(one, types.StructType)]
        return found[0] if found else None
    return kind if isinstance(kind, types.StructType) else None


def _optional(kind: Any) -> bool:
    return isinstance(kind, types.UnionType)


def _said(kind: Any) -> str:
    match kind:
        case types.IntType() | types.FloatType():
            name = "integer" if isinstance(kind, types.IntType) else "number"
            bounds = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
            told = (f"{w} {getattr(kind, b):,g}" for b, w in bounds.items() if _is_set(kind, b))
            return ", ".join((name, *told))
        case types.LiteralType():
            return " or ".join(f"`{value}`" for value in kind.values)
        case types.UnionType():
            return " or ".join(_said(o) for o in kind.types if not isinstance(o, types.NoneType))
        case types.VarTupleType():
            return f"list of {_said(kind.item_type)}"
        case types.DictType():
            return f"mapping to {_said(kind.value_type)}"
        case types.StructType():
            names = ", ".join(field.name for field in kind.fields)
            return f"section ({names})"
        case types.CustomType():
            return str(kind.cls.__name__).lower()
    return {"StrType": "text", "BoolType": "yes or no"}[type(kind).__name__]


def _is_set(kind: Any, bound: str) -> bool:
    return getattr(kind, bound) is not None


def _default(field: Any, section: Any) -> str:
    if field.required:
        return "required"
    value = field.default if section is None else getattr(section, field.name)
    if value is None or value == "" or value == () or value == {}:
        return ""
    if isinstance(value, dict):
        return "`" + ", ".join(f"{key}: {one}" for key, one in value.items()) + "`"
    return f"`{value:g}`" if isinstance(value, float) and value < 1e6 else f"`{value}`"


def _meanings(kind: type) -> dict[str, str]:
    """What the docstrings say of each field; a base's hold where the class's own say nothing."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        text = inspect.cleandoc(base.__doc__ or "")
        _, _, section = text.partition("Attributes:\n")
        for entry in re.findall(r"(?m)^ {4}(\w+: .+(?:\n {8}.+)*)", section):
            name, _, meaning = entry.partition(": ")
            found[name] = " ".join(meaning.split())
    return found


def _table(found: Iterator[Row]) -> str:
    lines = ["| setting | type | default | what it is |", "|---|---|---|---|"]
    for row in found:
        meaning = row.meaning.replace("|", "\\|")
        lines.append(f"| `{row.key}` | {row.type} | {row.default} | {meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
