"""What a sealed body is, and what it is bound to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, LargeBinary, MetaData, Table

from systemzero_base.settings.config import ConfigError, load
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_storage.database import ERASED, BodyErased, TenantConnection
from systemzero_storage.sealing import EncryptionSettings, check_encryption, load_keks
from systemzero_storage.sealing.cipher import AESGCM, bound
from systemzero_storage.sealing.kek import FileKek
from systemzero_storage.sealing.keys import KeyLost, KeysWanted, Reserved, SealedBodies, TenantKeys
from systemzero_storage.tenancy.bodies import key_number
from tests.support.sealing import KEY, kek_file

TABLE = Table("shelf", MetaData(), Column("tree", LargeBinary), Column("verdict", LargeBinary))
TREE, VERDICT = TABLE.c.tree, TABLE.c.verdict
PARTS = st.lists(st.binary(max_size=8) | st.text(max_size=8) | st.integers(0, 99), max_size=4)


class Standing(TenantConnection):
    """A connection to a database in which every data key stands."""

    def __init__(self, tenant: str, bodies: SealedBodies) -> None:
        super().__init__(None, tenant, bodies)  # type: ignore[arg-type]

    def execute(self, _statement: Any, _values: Any = None) -> Any:
        return self

    def first(self) -> object:
        return 1


def connection(tenant: str = "acme", *numbers: int) -> TenantConnection:
    """Data keys of these numbers, or 1: equal ones for every tenant, so that only bounds differ."""
    numbers = numbers or (1,)
    opened = {number: AESGCM(bytes([number]) * 32) for number in numbers}
    keys = TenantKeys(opened, frozenset({9}), Reserved(numbers[-1], 1_000), 0.0)
    return Standing(tenant, SealedBodies(keys, None))  # type: ignore[arg-type]


@given(st.binary(max_size=200), st.binary(max_size=40), st.integers(0, 1 << 62))
def test_what_was_sealed_is_opened_where_it_stands(body: bytes, name: bytes, number: int) -> None:
    stored = connection().seal(TREE, body, name, number)
    assert stored != body
    assert stored[:1] == b"\0"
    assert connection().open(TREE, stored, name, number) == body


@given(st.binary(max_size=60), st.data())
def test_a_byte_that_was_altered_is_noticed(body: bytes, data: st.DataObject) -> None:
    stored = bytearray(connection().seal(TREE, body, b"row"))
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] ^= data.draw(st.integers(1, 255))
    try:  # the first byte says whether it is sealed at all: if not, it is another body
        opened = connection().open(TREE, bytes(stored), b"row")
    except (DataCorrupted, BodyErased, KeysWanted):
        return
    assert at == 0
    assert opened == bytes(stored)


@pytest.mark.parametrize("cut", [1, 5, 6, 17, 30, -1])
def test_what_was_cut_off_is_noticed(cut: int) -> None:
    stored = connection().seal(TREE, b"body", b"row")
    with pytest.raises(DataCorrupted):
        connection().open(TREE, stored[:cut], b"row")


@pytest.mark.parametrize(
    ("tenant", "column", "row"),
    [
        ("other", TREE, (b"a", 1)),
        ("acme", VERDICT, (b"a", 1)),
        ("acme", TREE, (b"b", 1)),
        ("acme", TREE, (b"a", 2)),
        ("acme", TREE, (b"a1",)),
        ("acme", TREE, (b"a",)),
    ],
)
def test_a_body_stands_nowhere_else(tenant: str, column: Any, row: Any) -> None:
    stored = connection().seal(TREE, b"body", b"a", 1)
    with pytest.raises(DataCorrupted, match="is not what was stored there"):
        connection(tenant).open(column, stored, *row)


def test_a_body_is_bound_to_its_data_key() -> None:
    both = connection("acme", 1, 2)
    stored = bytearray(both.seal(TREE, b"body", b"row"))
    assert stored[5] == 2
    stored[5] = 1
    with pytest.raises(DataCorrupted):
        both.open(TREE, bytes(stored), b"row")


@given(PARTS, PARTS)
def test_two_lists_of_parts_are_bound_alike_only_if_they_are_the_same(
    first: list[Any], second: list[Any]
) -> None:
    def plain(parts: list[Any]) -> list[bytes]:
        return [part if isinstance(part, bytes) else str(part).encode() for part in parts]

    assert (bound(*first) == bound(*second)) == (plain(first) == plain(second))


@pytest.mark.parametrize("body", [b"", b"\x28\xb5\x2f\xfdzstd", b'{"a":1}', b"\x08\x01"])
def test_what_was_stored_before_is_read_as_it_is(body: bytes) -> None:
    assert connection().open(TREE, body, b"row") == body


def test_what_was_erased_says_so() -> None:
    with pytest.raises(BodyErased):
        connection().open(TREE, ERASED, b"row")


def test_what_an_unknown_key_sealed_was_not_erased() -> None:
    stored = connection("acme", 9).seal(TREE, b"body", b"row")
    with pytest.raises(KeyLost, match="restore the table data_keys"):
        connection().open(TREE, stored, b"row")


def test_without_keys_nothing_sealed_is_opened_nor_anything_stored_that_looks_sealed() -> None:
    plain = TenantConnection(None, "acme")  # type: ignore[arg-type]
    assert plain.open(TREE, plain.seal(TREE, b"body", b"row"), b"row") == b"body"
    with pytest.raises(FailedPrecondition, match="no key is configured"):
        plain.open(TREE, connection().seal(TREE, b"body", b"row"), b"row")
    with pytest.raises(ValueError, match="zero byte"):
        plain.seal(TREE, b"\0body", b"row")
    with pytest.raises(DataCorrupted):
        key_number(TREE, (), b"\0\2\0\0\0\1")


def settings(**values: str) -> EncryptionSettings:
    environ = {f"SZ_{name.upper()}": value for name, value in values.items()}
    return load(EncryptionSettings, None, environ, "SZ_")


def test_the_settings_name_one_key(tmp_path: Any) -> None:
    file = kek_file(tmp_path)
    assert load_keks(settings()) is None
    keks = load_keks(settings(kek_file=str(file)))
    assert keks is not None
    assert keks.current.id == FileKek(KEY).id
    with pytest.raises(ConfigError, match="encryption: kek_file or transit is missing"):
        load_keks(settings(old__kek_file=str(file)))


def test_a_key_file_is_private_and_of_the_right_size(tmp_path: Any) -> None:
    file = kek_file(tmp_path)
    file.chmod(0o604)
    with pytest.raises(ConfigError, match=r"encryption\.kek_file: .* lets others read"):
        load_keks(settings(kek_file=str(file)))
    short = kek_file(tmp_path, b"short")
    with pytest.raises(ConfigError, match="holds 5 bytes"):
        load_keks(settings(kek_file=str(short)))
    with pytest.raises(ConfigError, match="No such file"):
        load_keks(settings(kek_file=str(tmp_path / "none")))


def test_a_key_in_the_data_folder_is_refused(tmp_path: Any) -> None:
    file = kek_file(tmp_path / "data" / "deep")
    with pytest.raises(ConfigError, match="would be in its backups"):
        check_encryption(settings(kek_file=str(file)), tmp_path / "data")
    check_encryption(settings(kek_file=str(file)), tmp_path / "elsewhere")
