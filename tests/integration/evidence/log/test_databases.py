"""The log on every database: what several processes of a service do to it at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from systemzero_core.tlog import (
    ExportReport,
    VerifierKey,
    parse_checkpoint,
    verify_bundle,
    verify_consistency,
    verify_export,
    verify_inclusion,
)
from systemzero_evidence.log import LogStore, Witness
from systemzero_storage.database import Database, TenantConnection
from tests.support.databases import OpenDatabase
from tests.support.logs import METADATA, NOW, TENANT, grow, log_on
from tests.support.witness import FakeWitness, serving_witness


@pytest.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    opened = open_database(METADATA, 1)
    yield opened
    await opened.close()


async def append(database: Database, log: LogStore, word: str) -> int:
    """As a service does: within a job of the tenant's."""

    def job(own: TenantConnection) -> int:
        return log.append(own, "drift.event", {"word": word}, NOW).index

    return await database.of(TENANT).write(job)


def keys(log: LogStore) -> list[VerifierKey]:
    return [VerifierKey.parse(vkey) for vkey in log.vkeys(TENANT)]


async def exported(log: LogStore) -> ExportReport:
    return verify_export([line async for line in log.export(TENANT)], vkeys=keys(log))


async def test_writers_and_publishers_at_once_make_one_log(database: Database) -> None:
    """Two stores, as of two processes, append, sign and prove at the same time."""
    stores = [log_on(database), log_on(database)]
    indexes = await asyncio.gather(
        *(append(database, stores[n % 2], f"w{n}") for n in range(80)),
        *(store.publish_checkpoints() for store in stores),
        *(store.checkpoint(TENANT) for store in stores),
    )
    assert sorted(i for i in indexes[:80] if isinstance(i, int)) == list(range(80))
    assert (await exported(stores[0])).checkpoint.size == 80
    for store in stores:
        await store.check()
        assert (await store.verify(TENANT)).size == 80
    assert await stores[0].tenants() == [TENANT]


async def test_proofs_hold_and_bodies_are_erased(database: Database) -> None:
    log = log_on(database)
    await grow(database, log, 21)
    older = parse_checkpoint(await log.checkpoint(TENANT))
    await database.of(TENANT).write(lambda c: log.erase(c, [4], NOW))
    for index in (0, 4, 20):
        proof = await log.inclusion_proof(TENANT, index, 22)
        verify_inclusion(proof.leaf_hash, index, 22, proof.hashes, proof.root)
    step = await log.consistency_proof(TENANT, 21, 22)
    verify_consistency(21, older.root, 22, step.new_root, step.hashes)
    proven = verify_bundle(await log.proof_bundle(TENANT, 4, since=21), keys(log))
    assert (proven.entry.body, proven.extends) == (None, older)
    assert (await exported(log)).erased == 1


async def test_checkpoints_are_cosigned(database: Database) -> None:
    with serving_witness(FakeWitness()) as witness:
        log = log_on(database, witnesses=(Witness(witness.url, str(witness.verifier)),))
        witness.trust(log.vkeys(TENANT)[0])
        await grow(database, log, 3)
        await log.publish_checkpoints()
        assert [await cosigner.ask() for cosigner in log.cosigners] == [True]
        [note] = await log.cosigned_checkpoints(TENANT)
        assert parse_checkpoint(note).size == 3
        await log.verify(TENANT)
