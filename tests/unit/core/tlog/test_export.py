"""Exports and proof bundles: whatever is altered is found, and named."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_core.errors import DomainError, InvalidInput
from systemzero_core.tlog import (
    ERASURE_KIND,
    Checkpoint,
    CompactRange,
    Entry,
    LogVerificationError,
    OlderExport,
    Signer,
    canonical_json,
    checkpoint_line,
    consistency_proof,
    encode_bundle,
    entry_line,
    format_time,
    header_line,
    inclusion_proof,
    new_entry,
    parse_time,
    verify_bundle,
    verify_export,
)
from tests.unit.core.tlog.test_merkle import MemoryTree

ORIGIN = "systemzero.example/log/t1"
SIGNER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
KEYS = [SIGNER.verifier]
START = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
GOLDEN_DIGEST = "fbcc3c4662b4a48b2841a01c30d8269d53fd98954988e3486dc025a071bba35d"
GOLDEN_LEAF = "af9224adbc1ddb3b6698ef0d072e36e506796973c1de2bbd61883c52b3df3d42"


def entry_of(index: int, body: dict[str, object], kind: str = "drift.event") -> Entry:
    salt = index.to_bytes(16, "big")
    return new_entry(index, kind, START + timedelta(seconds=index), salt, canonical_json(body))


def erased(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, salt=None, body=None)


@cache
def entries(count: int = 10) -> tuple[Entry, ...]:
    made = [entry_of(i, {"screen": f"scr_{i}", "name": "Größe"}) for i in range(count - 1)]
    made[3] = erased(made[3])
    return (*made, entry_of(count - 1, {"entries": [3]}, ERASURE_KIND))


def tree_of(log: tuple[Entry, ...]) -> MemoryTree:
    tree = MemoryTree()
    for entry in log:
        tree.append(entry.leaf_hash)
    return tree


def checkpoint_of(log: tuple[Entry, ...]) -> Checkpoint:
    tree = CompactRange()
    for entry in log:
        tree.push(entry.leaf_hash)
    return Checkpoint(ORIGIN, len(log), tree.root())


def export_of(log: tuple[Entry, ...]) -> list[bytes]:
    last = checkpoint_line(checkpoint_of(log).signed([SIGNER]))
    return [header_line(ORIGIN, [str(SIGNER.verifier)]), *map(entry_line, log), last]


def fails(lines: list[bytes], pinned: Checkpoint | None = None) -> LogVerificationError:
    with pytest.raises(LogVerificationError) as caught:
        verify_export(lines, vkeys=KEYS, pinned=pinned)
    return caught.value


def test_a_whole_export_verifies() -> None:
    seen: list[int] = []
    report = verify_export(export_of(entries()), vkeys=KEYS, progress=seen.append)
    assert report.checkpoint == checkpoint_of(entries())
    assert report.erased == 1
    assert seen == []


def test_an_empty_log_verifies() -> None:
    assert verify_export(export_of(()), vkeys=KEYS).checkpoint.size == 0


def test_progress_is_told() -> None:
    seen: list[int] = []
    log = tuple(entry_of(i, {}) for i in range(20_001))
    verify_export(export_of(log), vkeys=KEYS, progress=seen.append)
    assert seen == [10_000, 20_000]


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_no_byte_is_free(data: st.DataObject) -> None:
    raw = bytearray(b"".join(export_of(entries())))
    at = data.draw(st.integers(0, len(raw) - 1))
    line = raw[:at].count(b"\n") + 1
    raw[at] ^= data.draw(st.integers(1, 255))
    error = fails(io.BytesIO(raw).readlines())
    assert error.metadata["line"] == str(line)
    if 1 < line < len(entries()) + 2 and raw[at] != 0x0A:
        assert error.metadata.get("entry", str(line - 2)) == str(line - 2)


def test_dropped_doubled_and_moved_lines_are_named() -> None:
    lines = export_of(entries())
    for at in range(1, len(lines) - 1):
        doubled = fails([*lines[: at + 1], *lines[at:]])
        assert doubled.metadata == {"line": str(at + 2), "entry": str(at)}
        dropped = fails(lines[:at] + lines[at + 1 :])
        assert dropped.metadata["line"] == str(at + 1)
    swapped = [*lines[:4], lines[5], lines[4], *lines[6:]]
    assert fails(swapped).metadata == {"line": "5", "entry": "3"}


def test_a_line_inserted_or_appended_is_named() -> None:
    lines = export_of(entries())
    assert fails([*lines, lines[-1]]).metadata["line"] == str(len(lines) + 1)
    assert fails([*lines, b"\n"]).metadata["line"] == str(len(lines) + 1)
    assert fails([lines[0], b"\n", *lines[1:]]).metadata["line"] == "2"
    assert fails([lines[0], *lines]).metadata["line"] == "2"


@pytest.mark.parametrize("kept", range(11))
def test_a_cut_tail_is_named(kept: int) -> None:
    lines = export_of(entries())
    cut_off = fails(lines[: kept + 1])
    assert "cut off" in cut_off.message
    if kept < 10:
        hidden = fails([*lines[: kept + 1], lines[-1]])
        assert f"first that is missing is entry {kept}" in hidden.message


def test_nothing_is_no_export() -> None:
    assert "cut off" in fails([]).message


def test_a_shorter_log_than_the_pinned_one_is_cut() -> None:
    pinned = checkpoint_of(entries())
    older = fails(export_of(_before(4)), pinned)
    assert isinstance(older, OlderExport)
    assert "its end was cut off: it ends before entry 4 of 10" in older.message
    cut = fails([*export_of(entries())[:5], export_of(entries())[-1]], pinned)
    assert not isinstance(cut, OlderExport)
    assert "the tail was cut off: 10 entries were signed, 4 are here" in cut.message


def _before(count: int) -> tuple[Entry, ...]:
    return tuple(entry_of(i, {"screen": f"scr_{i}", "name": "Größe"}) for i in range(count))


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9])
def test_an_extension_of_the_pinned_log_verifies(size: int) -> None:
    pinned = checkpoint_of(entries()[:size])
    assert verify_export(export_of(entries()), vkeys=KEYS, pinned=pinned).checkpoint.size == 10


def test_rewritten_history_contradicts_the_pin() -> None:
    rewritten = (*_before(2), entry_of(2, {"screen": "another"}), *_before(9)[3:])
    verify_export(export_of(rewritten), vkeys=KEYS)  # signed anew by the log: only a pin tells
    error = fails(export_of(rewritten), checkpoint_of(_before(5)))
    assert "history was rewritten" in error.message
    assert error.metadata == {"line": "6", "entry": "4"}


def test_another_log_than_the_pinned_one_is_refused() -> None:
    pinned = checkpoint_of(entries())._replace(origin="systemzero.example/log/t2")
    assert "t2" in fails(export_of(entries()), pinned).message


def test_an_entry_rewritten_with_all_its_hashes_shows_in_the_root() -> None:
    lines = export_of(entries())
    lines[5] = entry_line(entry_of(4, {"screen": "another"}))
    assert "entries 0 to 9" in fails(lines).message


def test_entries_beyond_the_checkpoint_are_not_signed() -> None:
    lines = export_of(_before(4))
    extra = entry_line(_before(5)[4])
    error = fails([*lines[:-1], extra, lines[-1]])
    assert error.metadata == {"line": "6", "entry": "4"}


def test_a_body_gone_without_a_record_is_named() -> None:
    log = _before(6)
    lines = export_of((*log[:2], erased(log[2]), *log[3:]))
    error = fails(lines)
    assert error.metadata == {"line": "4", "entry": "2"}
    assert "no later entry records its erasure" in error.message


def test_a_body_read_before_it_was_erased_is_no_contradiction() -> None:
    log = (*_before(9), entries()[9])
    assert verify_export(export_of(log), vkeys=KEYS).erased == 0


@pytest.mark.parametrize(
    "body", [{"entries": ["3"]}, {"entries": [3], "more": 1}, {}, {"entries": [9]}]
)
def test_a_malformed_record_of_an_erasure_is_named(body: dict[str, object]) -> None:
    log = (*entries()[:9], entry_of(9, body, ERASURE_KIND))
    assert fails(export_of(log)).metadata["entry"] == "9"


def _with(field: str, value: object) -> Callable[[dict[str, object]], None]:
    return lambda line: line.__setitem__(field, value)


@pytest.mark.parametrize(
    "change",
    [
        _with("kind", "drift.events"),
        _with("kind", "Drift"),
        _with("create_time", "2026-11-22T14:00:05.000000Z"),
        _with("create_time", "2026-11-22 14:00:02.000000Z"),
        _with("salt", "00" * 16),
        _with("salt", "00" * 15),
        _with("salt", None),
        _with("body", {"screen": "another"}),
        _with("body", None),
        _with("digest", "00" * 32),
        _with("leaf_hash", "00" * 32),
        _with("index", 7),
        _with("index", 2.0),
        _with("more", 1),
        lambda line: line.pop("salt") and None,
    ],
)
def test_every_field_of_an_entry_is_held(change: Callable[[dict[str, object]], None]) -> None:
    lines = export_of(entries())
    line = json.loads(lines[3])
    change(line)
    altered = json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    assert fails([*lines[:3], altered, *lines[4:]]).metadata == {"line": "4", "entry": "2"}


def test_a_body_nested_too_deep_is_an_error_with_its_line() -> None:
    lines = export_of(_before(1))
    lines[1] = lines[1].replace(b'{"name"', b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b',"name"')
    assert fails(lines).metadata == {"line": "2", "entry": "0"}


def test_a_key_from_the_export_itself_is_no_trusted_key() -> None:
    forger = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
    note = checkpoint_of(_before(2)).signed([forger])
    header = header_line(ORIGIN, [str(forger.verifier)])
    lines = [header, *map(entry_line, _before(2)), checkpoint_line(note)]
    assert "none of its keys" in fails(lines).message
    both = header_line(ORIGIN, [str(SIGNER.verifier), str(forger.verifier)])
    assert "not signed by a key that you trust" in fails([both, *lines[1:]]).message
    added = checkpoint_line(checkpoint_of(_before(2)).signed([SIGNER, forger]))
    unnamed = [export_of(_before(2))[0], *lines[1:3], added]
    assert "not named" in fails(unnamed).message


def test_both_keys_of_a_rotation_may_sign() -> None:
    new = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
    note = checkpoint_of(_before(2)).signed([SIGNER, new])
    header = header_line(ORIGIN, [str(SIGNER.verifier), str(new.verifier)])
    lines = [header, *map(entry_line, _before(2)), checkpoint_line(note)]
    for trusted in (SIGNER, new):
        assert verify_export(lines, vkeys=[trusted.verifier]).checkpoint.size == 2


def bundle_of(index: int, since: int | None = None) -> bytes:
    tree = tree_of(entries())
    extends = None
    if since is not None:
        older = checkpoint_of(entries()[:since]).signed([SIGNER])
        extends = (older, consistency_proof(since, 10, tree))
    return encode_bundle(
        entries()[index],
        inclusion_proof(index, 10, tree),
        checkpoint_of(entries()).signed([SIGNER]),
        map(str, KEYS),
        extends=extends,
    )


@pytest.mark.parametrize("index", range(10))
def test_a_bundle_proves_its_entry(index: int) -> None:
    proven = verify_bundle(bundle_of(index), KEYS)
    assert proven.entry == entries()[index]
    assert proven.checkpoint == checkpoint_of(entries())
    assert proven.extends is None


def test_a_bundle_proves_that_the_log_was_only_extended() -> None:
    assert verify_bundle(bundle_of(2, 5), KEYS).extends == checkpoint_of(entries()[:5])


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_byte_of_a_bundle_is_free(data: st.DataObject) -> None:
    raw = bytearray(bundle_of(6, 5))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DomainError):
        verify_bundle(bytes(raw), KEYS)


def test_a_bundle_of_another_log_is_refused() -> None:
    stranger = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
    with pytest.raises(LogVerificationError, match="none of its keys"):
        verify_bundle(bundle_of(1), [stranger.verifier])


def test_the_leaf_is_the_documented_text() -> None:
    """Computed by hand from docs/design/log.md, so that the format cannot change unseen."""
    entry = entry_of(1, {"b": 1, "a": "ü"})
    assert entry.body == '{"a":"ü","b":1}'.encode()
    assert entry.digest.hex() == GOLDEN_DIGEST
    assert entry.leaf_hash.hex() == GOLDEN_LEAF


@pytest.mark.parametrize("kind", ["", "Drift", "drift event", "x\n", "1x", "x" * 65])
def test_a_kind_is_a_plain_word(kind: str) -> None:
    with pytest.raises(InvalidInput):
        new_entry(0, kind, START, bytes(16), b"{}")


def test_a_create_time_has_a_zone_and_survives_the_way() -> None:
    assert format_time(START) == "2026-11-22T14:00:00.000000Z"
    assert parse_time(format_time(START)) == START
    with pytest.raises(ValueError, match="time zone"):
        format_time(datetime(2026, 11, 22))  # noqa: DTZ001
    with pytest.raises(ValueError, match="16 bytes"):
        new_entry(0, "x", START, b"", b"{}")
