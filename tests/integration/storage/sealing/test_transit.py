"""Data keys wrapped in the transit engine of a real OpenBao."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from systemzero_base.settings.config import ConfigError
from systemzero_capture.store import METADATA, SCHEMA, SCHEMA_VERSION, SqlCaptureStore
from systemzero_capture.store.tables import DATA_KEYS, TREES
from systemzero_core.errors import DataCorrupted, FailedPrecondition, Unavailable
from systemzero_storage.database import Database, open_sqlite
from systemzero_storage.sealing import EncryptionSettings, Kek, Keks, SealedDatabase, load_keks
from systemzero_storage.sealing.kek import FileKek
from systemzero_storage.sealing.rewrap import rewrap
from systemzero_storage.sealing.settings import KekSettings
from systemzero_storage.tree_body import decompress
from tests.integration.capture.store.test_store import add
from tests.support.openbao import KEY as KEY_NAME
from tests.support.openbao import OpenBao, openbao
from tests.support.sealing import KEY, kek_file
from tests.support.stores import tree


@pytest.fixture
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with openbao(tmp_path_factory.mktemp("bao")) as server:
        yield server


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_sqlite(tmp_path / "capture.db", METADATA, SCHEMA_VERSION)
    yield opened
    await opened.close()


def on(bare: Database, kek: Kek, *old: Kek) -> SqlCaptureStore:
    return SqlCaptureStore(SealedDatabase(bare, SCHEMA, Keks(kek, old)))


async def data_keys(bare: Database) -> list[tuple[str, bytes]]:
    rows = await bare.read(lambda c: c.execute(select(DATA_KEYS)).all())
    return [(row.kek, row.wrapped[:9]) for row in rows]


async def bodies(bare: Database) -> list[Any]:
    return list(await bare.read(lambda c: c.execute(select(TREES.c.body)).scalars().all()))


async def test_a_key_that_is_rotated_in_transit(bao: OpenBao, bare: Database) -> None:
    await add(on(bare, bao.kek()), 1, "Buy")
    assert await data_keys(bare) == [("transit:transit/systemzero", b"vault:v1:")]
    before = await bodies(bare)
    transit = bao.client.secrets.transit
    transit.rotate_key(KEY_NAME)
    assert decompress(await on(bare, bao.kek()).body("acme", "cap_1")) == tree("Buy")
    assert await rewrap(bare, SCHEMA, Keks(bao.kek())) == 1
    assert await data_keys(bare) == [("transit:transit/systemzero", b"vault:v2:")]
    transit.update_key_configuration(KEY_NAME, min_decryption_version=2)
    assert decompress(await on(bare, bao.kek()).body("acme", "cap_1")) == tree("Buy")
    assert await bodies(bare) == before


async def test_a_version_that_was_withdrawn_opens_nothing(bao: OpenBao, bare: Database) -> None:
    await add(on(bare, bao.kek()), 1, "Buy")
    bao.client.secrets.transit.rotate_key(KEY_NAME)
    bao.client.secrets.transit.update_key_configuration(KEY_NAME, min_decryption_version=2)
    with pytest.raises(FailedPrecondition, match="too old"):
        await on(bare, bao.kek()).body("acme", "cap_1")
    with pytest.raises(FailedPrecondition):
        await SealedDatabase(bare, SCHEMA, Keks(bao.kek())).check_keys()


async def test_from_a_file_to_transit_and_back(bao: OpenBao, bare: Database) -> None:
    await add(on(bare, FileKek(KEY)), 1, "Buy")
    await rewrap(bare, SCHEMA, Keks(bao.kek(), [FileKek(KEY)]))
    assert decompress(await on(bare, bao.kek()).body("acme", "cap_1")) == tree("Buy")
    await rewrap(bare, SCHEMA, Keks(FileKek(KEY), [bao.kek()]))
    assert decompress(await on(bare, FileKek(KEY)).body("acme", "cap_1")) == tree("Buy")


async def test_a_token_is_read_at_each_call(bao: OpenBao, bare: Database) -> None:
    store = on(bare, bao.kek())
    await add(store, 1, "Buy")
    bao.write_token("revoked")
    assert decompress(await store.body("acme", "cap_1")) == tree("Buy")  # in memory still
    with pytest.raises(Unavailable, match="refuses the token") as refused:
        await add(store, 2, "Buy", tenant="other")
    assert "revoked" not in str(refused.value)
    assert len(await bodies(bare)) == 1  # nor was it stored in the clear
    bao.renew_token()
    await add(store, 2, "Buy", tenant="other")


async def test_a_server_that_is_away(bao: OpenBao, bare: Database) -> None:
    await add(on(bare, bao.kek()), 1, "Buy")
    bao.stop()
    with pytest.raises(Unavailable, match="does not answer"):
        await SealedDatabase(bare, SCHEMA, Keks(bao.kek())).check_keys()
    store = on(bare, bao.kek())
    for attempt in (store.body("acme", "cap_1"), add(store, 2, "Sell")):
        with pytest.raises(Unavailable, match="does not answer"):
            await attempt
    assert len(await bodies(bare)) == 1


async def test_what_is_wrapped_is_bound(bao: OpenBao) -> None:
    kek = bao.kek()
    wrapped = await kek.wrap(b"k" * 32, b"of acme")
    assert await kek.unwrap(wrapped, b"of acme") == b"k" * 32
    for altered, associated in ((wrapped, b"of other"), (wrapped[:-8] + b"AAAAAAA=", b"of acme")):
        with pytest.raises(DataCorrupted, match="a data key was altered"):
            await kek.unwrap(altered, associated)


async def test_a_key_or_mount_that_is_not_there(bao: OpenBao) -> None:
    bao.write_token("root")
    with pytest.raises(FailedPrecondition, match="can't use transit:elsewhere/systemzero"):
        await bao.kek(mount="elsewhere").wrap(b"k" * 32, b"")
    bao.renew_token()
    with pytest.raises(Unavailable, match="refuses the token for transit:transit/other"):
        await bao.kek(key="other").wrap(b"k" * 32, b"")


def test_settings_that_cannot_be(bao: OpenBao, tmp_path: Path) -> None:
    def load(**other: str) -> Any:
        return load_keks(EncryptionSettings(transit=bao.settings(**other)))

    assert load().current.id == "transit:transit/systemzero"
    for url in ("http://bao.internal:8200", "ftp://127.0.0.1", "127.0.0.1:8200"):
        with pytest.raises(ConfigError, match=r"encryption\.transit\.url: must be https"):
            load(url=url)
    both = EncryptionSettings(kek_file=kek_file(tmp_path), transit=bao.settings())
    with pytest.raises(ConfigError, match="not both"):
        load_keks(both)
    old = EncryptionSettings(transit=bao.settings(), old=KekSettings(kek_file=kek_file(tmp_path)))
    assert load_keks(old) is not None
    bao.token_file.chmod(0o644)
    with pytest.raises(ConfigError, match=r"encryption\.transit: .* lets others read"):
        load()
