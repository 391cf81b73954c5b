"""Verification of exports and proof bundles with no server: by a pinned or a given key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from systemzero_client.bounds import LONGEST_LINE, lines_of, read_bounded
from systemzero_client.pins import Pin, PinStore, default_folder
from systemzero_core.errors import FailedPrecondition
from systemzero_core.tlog import (
    Checkpoint,
    ExportReport,
    LogVerificationError,
    VerifiedBundle,
    VerifierKey,
    parse_checkpoint,
    verify_bundle,
    verify_export,
)

Progress = Callable[[int], None]
"""Called with the number of entries that were verified so far."""


class Trusted(NamedTuple):
    """What a file is verified against: the keys, and the checkpoint that it must extend."""

    keys: tuple[VerifierKey, ...]
    pinned: Checkpoint | None


def check_bundle_extends(verified: VerifiedBundle, pinned: Checkpoint) -> None:
    """Check that a verified bundle is of the pinned log, not smaller than it, and extends it.

    Raises:
        LogVerificationError: it is not.
    """
    shown = verified.checkpoint
    if shown.origin != pinned.origin:
        raise LogVerificationError(f"not the log that is pinned, {pinned.origin!r}")
    if shown.size < pinned.size:
        raise LogVerificationError(
            f"the log has shrunk: {pinned.size} entries were verified, {shown.size} are shown"
        )
    if shown.size == pinned.size:
        known: Checkpoint | None = shown
    else:
        known = verified.extends
    if pinned.size and (known is None or known[:3] != pinned[:3]):
        raise LogVerificationError(
            f"it is not proven that the log extends the verified one of {pinned.size} entries"
        )


def trusted_for_file(
    origin: str, vkeys: Iterable[str], *, store: PinStore | None = None, key: str = ""
) -> Trusted:
    """What a file of the log `origin`, which names `vkeys` as its keys, is verified against.

    Args:
        origin: the log's name, as the file says.
        vkeys: the keys that the file names, if it names any; none is trusted for that.
        store: where pins are.
        key: the log's key, if the caller has it.

    Raises:
        FailedPrecondition: no key is given, and none is pinned for a log of this name.
        InvalidInput: `key` is no verifier key.
    """
    pins = (store or PinStore(default_folder())).of_origin(origin)
    if key:
        given = VerifierKey.parse(key)
        pins = tuple(pin for pin in pins if given in pin.keys)
        return Trusted((given,), _largest(pins))
    if not pins:
        raise FailedPrecondition(
            f"no key of the log {origin!r} is known here: give it, or verify the log of its server "
            "first"
        )
    named = set(vkeys)
    matching = tuple(
        pin for pin in pins if not named or not named.isdisjoint((pin.vkey, *pin.former))
    )
    return Trusted(tuple(key for pin in pins for key in pin.keys), _largest(matching))


def check_evidence_kind(kind: str) -> None:
    """Refuse an entry of the audit log, for who verifies the evidence log.

    Raises:
        LogVerificationError: it is one.
    """
    if kind.startswith("call."):
        raise LogVerificationError("this is the audit log: `sz audit verify` verifies it")


def check_audit_kind(kind: str) -> None:
    """Refuse an entry of the evidence log, for who verifies the audit log.

    Raises:
        LogVerificationError: it is one.
    """
    if kind.startswith(("drift.", "template.")):
        raise LogVerificationError("this is the evidence log: `sz log verify` verifies it")


def verify_export_file(
    file: BinaryIO,
    *,
    audit: bool = False,
    store: PinStore | None = None,
    key: str = "",
    progress: Progress | None = None,
) -> ExportReport:
    """Verify an export, of the evidence log or the `audit` log, offline.

    Raises:
        OlderExport: it is whole, and ends before what is pinned.
        LogVerificationError: the first thing that is wrong, with `line` and `entry`.
        FailedPrecondition: no key is given or known.
    """
    header = _json_object(next(lines_of(file), b""))
    file.seek(0)
    trusted = trusted_for_file(_text(header, "origin"), _vkeys(header), store=store, key=key)
    return verify_export(
        lines_of(file),
        vkeys=trusted.keys,
        pinned=trusted.pinned,
        progress=progress,
        check_kind=check_audit_kind if audit else check_evidence_kind,
    )


def verify_bundle_file(
    path: Path, *, store: PinStore | None = None, key: str = ""
) -> VerifiedBundle:
    """Verify a proof bundle, offline.

    A bundle older than what is pinned is good evidence all the same: it is proven against its own
    signed checkpoint. One of the pinned size must have the pinned root.

    Raises:
        LogVerificationError: it proves nothing; says what is wrong.
        FailedPrecondition: no key is given or known.
    """
    data = read_bounded(path, LONGEST_LINE)
    parsed = _json_object(data)
    note = _text(parsed, "checkpoint")
    trusted = trusted_for_file(parse_checkpoint(note).origin, _vkeys(parsed), store=store, key=key)
    verified = verify_bundle(data, trusted.keys)
    pinned = trusted.pinned
    if pinned and verified.checkpoint.size == pinned.size:
        check_bundle_extends(verified, pinned)
    return verified


def _largest(pins: tuple[Pin, ...]) -> Checkpoint | None:
    known = [pin.checkpoint for pin in pins if pin.checkpoint]
    return max(known, key=lambda checkpoint: checkpoint.size, default=None)


def _json_object(line: bytes) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise LogVerificationError.at("this is no export and no proof bundle", line=1)
    return found


def _text(parsed: dict[str, object], field: str) -> str:
    value = parsed.get(field)
    if not isinstance(value, str):
        raise LogVerificationError.at(f"the field {field!r} is missing", line=1)
    return value


def _vkeys(parsed: dict[str, object]) -> list[str]:
    value = parsed.get("vkeys")
    return [key for key in value if isinstance(key, str)] if isinstance(value, list) else []
