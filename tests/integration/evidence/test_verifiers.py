"""The log in the eyes of others: sigstore's verifier, and aics-tlog's, which is nobody's of ours.

What our server says is given to their code: signed notes, cosignatures, inclusion and consistency
proofs, and a folder of tiles over HTTP. The published vectors of RFC 6962 are in test_tlog_merkle.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sigstore._internal.trust import Keyring, RekorKeyring
from sigstore._utils import KeyID
from sigstore.errors import VerificationError
from sigstore_models.common import v1 as sigstore_common

from systemzero_client.pins import PinStore
from systemzero_client.tiles import TileFolder
from systemzero_client.verify import LogVerifier
from systemzero_core.tlog import VerifierKey, leaf_of, parse_checkpoint
from systemzero_evidence.log import LogStore, Witness
from systemzero_storage.database import SqliteDatabase, open_sqlite
from tests.support.logs import KEY, METADATA, ORIGIN, TENANT, client_of, grow, log_on
from tests.support.witness import FakeWitness, serving_witness

SIZE = 300
FOLDER = Path(__file__).parents[3] / "build" / "verifiers"


@pytest.fixture(scope="module")
def aics() -> Any:
    """aics-tlog, as `make verifiers` installs it."""
    if not FOLDER.exists() and not os.environ.get("CI"):
        pytest.skip("no aics-tlog here: make verifiers")
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module("aics_tlog")
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = open_sqlite(tmp_path / "log.db", METADATA, 1)
    yield opened
    await opened.close()


@pytest.fixture
def witness() -> Iterator[FakeWitness]:
    with serving_witness(FakeWitness()) as served:
        yield served


@pytest.fixture
async def log(database: SqliteDatabase, witness: FakeWitness) -> LogStore:
    made = log_on(database, witnesses=(Witness(witness.url, str(witness.verifier)),))
    witness.trust(made.vkeys(TENANT)[0])
    for count in (7, SIZE - 7):
        await grow(database, made, count)
        await made.publish_checkpoints()
        assert [await cosigner.ask() for cosigner in made.cosigners] == [True]
    return made


async def leaf(log: LogStore, index: int) -> bytes:
    entry = await log.get_entry(TENANT, index)
    return leaf_of(entry.kind, entry.create_time, entry.digest)


async def test_sigstore_takes_our_checkpoints(log: LogStore) -> None:
    public = sigstore_common.PublicKey(
        raw_bytes=b64encode(_der()), key_details=sigstore_common.PublicKeyDetails.PKIX_ED25519
    )
    keyring = RekorKeyring(Keyring([public]))
    key_id = KeyID(VerifierKey.parse(log.vkeys(TENANT)[0]).key_id)
    [cosigned] = await log.cosigned_checkpoints(TENANT)
    for note in (await log.checkpoint(TENANT), cosigned):
        theirs, ours = SignedCheckpoint.from_text(note), parse_checkpoint(note)
        theirs.signed_note.verify(keyring, key_id)
        found = theirs.checkpoint
        assert (found.origin, found.log_size) == (ORIGIN, SIZE)
        assert (found.log_hash, found.other_content) == (ours.root.hex(), [])
        altered = SignedCheckpoint.from_text(note.replace(str(SIZE), str(SIZE - 1), 1))
        with pytest.raises(VerificationError):
            altered.signed_note.verify(keyring, key_id)


def _der() -> bytes:
    return KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("size", [1, 2, 7, 255, 256, 257, SIZE])
async def test_sigstore_takes_our_inclusion_proofs(log: LogStore, size: int) -> None:
    for index in {0, size // 2, size - 1}:
        proof = await log.inclusion_proof(TENANT, index, size)
        told = SimpleNamespace(
            log_index=index, tree_size=size, hashes=proof.hashes, root_hash=proof.root
        )
        entry: Any = SimpleNamespace(
            _inner=SimpleNamespace(inclusion_proof=told, canonicalized_body=await leaf(log, index))
        )
        verify_merkle_inclusion(entry)
        entry._inner.canonicalized_body += b"x"
        with pytest.raises(VerificationError):
            verify_merkle_inclusion(entry)


async def test_aics_takes_our_proofs(aics: Any, log: LogStore) -> None:
    for size in (1, 2, 7, 256, SIZE):
        proof = await log.inclusion_proof(TENANT, size // 2, size)
        of_leaf = (await leaf(log, size // 2), size // 2, size, proof.hashes)
        assert aics.verify_leaf_inclusion(*of_leaf, proof.root)
        assert not aics.verify_leaf_inclusion(*of_leaf, bytes(32))
        for old in {1, size // 2, size}:
            step = await log.consistency_proof(TENANT, old, size)
            roots = (step.old_root, step.new_root)
            assert aics.verify_consistency(old, size, *roots, step.hashes)
            assert not aics.verify_consistency(old, size, *roots, [*step.hashes, bytes(32)])


async def test_aics_takes_our_notes_and_their_cosignatures(
    aics: Any, log: LogStore, witness: FakeWitness
) -> None:
    key = aics.parse_vkey(log.vkeys(TENANT)[0])
    witness_key = aics.parse_vkey(str(witness.verifier))
    [cosigned] = await log.cosigned_checkpoints(TENANT)
    result = aics.verify_checkpoint(
        aics.parse_note(cosigned), key, [witness_key], 1, expected_origin=ORIGIN
    )
    assert (result.ok, result.size, result.cosignature_count) == (True, SIZE, 1)
    bare = aics.verify_checkpoint(
        aics.parse_note(await log.checkpoint(TENANT)), key, [witness_key], 1
    )
    assert (bare.ok, bare.log_ok) == (False, True)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A static file server over `tmp_path`/tiles; its URL."""
    handler = partial(_Quiet, directory=str(tmp_path / "tiles"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


async def test_aics_reads_our_tiles_from_a_static_file_server(
    aics: Any, log: LogStore, tmp_path: Path, served: str
) -> None:
    async with client_of(log) as client:
        verifier = LogVerifier(client, store=PinStore(tmp_path / "pins"))
        report = await TileFolder(tmp_path / "tiles").update(verifier)
    root = report.checkpoint.root
    reader = aics.HttpTileReader(served, proxies={})
    audited = aics.audit_tiles(reader, SIZE, root)
    assert audited is not None
    assert aics.tree_root_from_tiles(reader, SIZE) == root
    assert aics.read_entry(reader, 256, SIZE) == await leaf(log, 256)
    path = aics.inclusion_proof_from_tiles(reader, 256, SIZE)
    assert path == (await log.inclusion_proof(TENANT, 256, SIZE)).hashes
    step = aics.consistency_proof_from_tiles(reader, 7, SIZE)
    assert step == (await log.consistency_proof(TENANT, 7, SIZE)).hashes
