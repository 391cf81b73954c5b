"""Settings: one frozen class per service, from a YAML file and then the environment.

Invariants:
1. An unknown key is an error: in the file, and every variable of the environment that begins with
   `SZ_`. One with another service's prefix would else be a setting that silently does not hold.
2. Nested keys are joined by two underscores in the environment: `SZ_GATEWAY_LIMITS__BURST`.
3. A bad value's error names its key; a secret is never a value, always a file's path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_type_hints

import msgspec
import yaml

from systemzero_core.errors import InvalidInput

T = TypeVar("T", bound=msgspec.Struct)

FAMILY: Final = "SZ_"
"""How every variable begins that is meant for a service."""
_OTHERS: Final = frozenset({"SZ_PROBE"})  # of `systemzero_runtime.probe`, in the same container

LogLevel = Literal["debug", "info", "warning", "error"]
Count = Annotated[int, msgspec.Meta(ge=1)]
"""How many of something: at least one."""
Seconds = Annotated[float, msgspec.Meta(ge=0)]
"""A span of time."""


_PORT: Final = "(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_ADDRESS: Final = rf"^(?:\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):{_PORT}$"
Address = Annotated[str, msgspec.Meta(pattern=_ADDRESS)]
"""Where to listen: `host:port`, with an IPv6 host in brackets."""
AddressOrNowhere = Annotated[str, msgspec.Meta(pattern=f"^$|{_ADDRESS}")]
_NO_ADDRESS: Final = "must be host:port, with a port from 0 to 65535 and an IPv6 host in brackets"
_IN_BRACKETS: Final = re.compile(r"\[[0-9A-Fa-f:.]+\]:[0-9]+")
_UNKNOWN: Final = re.compile(
    r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `\$\.(?P<section>[^`]*)`)?"
)
_PLACED: Final = re.compile(r"(?P<what>.*) - at `\$\.(?P<key>.*)`", re.DOTALL)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every settings class and section."""


class ConfigError(Exception):
    """The configuration can't be used; the message names the key and what is wrong with it."""


def load(cls: type[T], file: Path | None, environ: Mapping[str, str], prefix: str) -> T:
    """Settings of class `cls` from `file`, overridden by `environ` keys that start with `prefix`.

    Raises:
        ConfigError: the file can't be read, or a key or value is wrong.
    """
    _refuse_unheeded(environ, prefix, cls.__struct_fields__)
    merged = _from_file(file) if file else {}
    for key, value in environ.items():
        if key.startswith(prefix):
            _set(merged, key.removeprefix(prefix).lower().split("__"), value, key)
    try:
        return msgspec.convert(merged, cls, strict=False, dec_hook=_decode)
    except (msgspec.ValidationError, InvalidInput) as error:
        raise ConfigError(f"configuration: {_told(str(error), cls)}") from None


def _told(error: str, cls: type[msgspec.Struct]) -> str:
    """An error with the key first, and without patterns."""
    if unknown := _UNKNOWN.fullmatch(error):
        return _unknown(unknown["section"] or "", unknown["key"], cls)
    placed = _PLACED.fullmatch(error)
    if placed is None:
        return error
    what = _NO_ADDRESS if _PORT in error else placed["what"]
    return f"{placed['key']}: {what}"


def _unknown(section: str, key: str, cls: type[msgspec.Struct]) -> str:
    """That there is no such setting, by its whole name, and which one was perhaps meant."""
    known = _fields(cls, section.split(".") if section else [])
    meant = get_close_matches(key, known, n=1)
    said = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(known)}"
    return f"{section}{section and '.'}{key}: no such setting{f'; {said}' if known else ''}"


def _fields(cls: Any, section: Sequence[str]) -> Sequence[str]:
    """The keys of a section; none where what it is can't be told from its name."""
    for name in section:
        held = get_type_hints(cls).get(name) if hasattr(cls, "__struct_fields__") else None
        cls = next((c for c in (held, *get_args(held)) if hasattr(c, "__struct_fields__")), None)
    return tuple(getattr(cls, "__struct_fields__", ()))


def _refuse_unheeded(environ: Mapping[str, str], prefix: str, fields: Sequence[str]) -> None:
    """Refuse variables that are meant for the platform and hold for nobody here."""
    for key in sorted(environ):
        if key.startswith(FAMILY) and not key.startswith(prefix) and key not in _OTHERS:
            raise ConfigError(
                f"configuration: {key}: is not heeded here, where settings begin with {prefix}"
                f"{_instead(key.removeprefix(FAMILY), prefix, fields)}"
            )


def _instead(rest: str, prefix: str, fields: Sequence[str]) -> str:
    """What was perhaps meant: a key of the section that is called as another service."""
    section, _, key = rest.partition("_")
    return f": {prefix}{section}__{key} perhaps" if section.lower() in fields else ""


def _from_file(file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: {error}") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{file}: must be a mapping")
    return document


def _set(tree: dict[str, Any], path: list[str], value: str, key: str) -> None:
    for part in path[:-1]:
        branch = tree.setdefault(part, {})
        if not isinstance(branch, dict):
            raise ConfigError(f"{key}: {part} is not a section")
        tree = branch
    try:
        is_text = value[:1] not in ("[", "{") or _IN_BRACKETS.fullmatch(value)
        tree[path[-1]] = value if is_text else yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"{key}: {error}") from None


def _decode(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"Expected `{kind.__name__}`, got `{type(value).__name__}`")
