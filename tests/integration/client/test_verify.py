"""Logs of servers that lie, each in one way: the client's own verification finds it out."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero.log.v1 import log_service_pb2 as pb
from systemzero_client import Client
from systemzero_client.offline import verify_bundle_file, verify_export_file
from systemzero_client.pins import PinStore, default_folder
from systemzero_client.verify import LogVerifier, UntrustedLog
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_core.tlog import (
    Entry,
    LogVerificationError,
    OlderExport,
    Signer,
    consistency_proof,
    encode_bundle,
    inclusion_proof,
)
from tests.support.wire import answering, serving
from tests.unit.core.tlog.test_export import (
    ORIGIN,
    SIGNER,
    checkpoint_of,
    entry_of,
    export_of,
    tree_of,
)

OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)


def history(count: int, *, rewritten: int = -1) -> tuple[Entry, ...]:
    """`count` entries; the one at `rewritten` says something else."""
    return tuple(
        entry_of(i, {"screen": "forged" if i == rewritten else f"scr_{i}"}) for i in range(count)
    )


class Server:
    """A log server; what it shows is set by the test."""

    def __init__(self, log: tuple[Entry, ...], signer: Signer = SIGNER) -> None:
        self.log = log
        self.signer = signer
        self.shown_index: int | None = None
        self.export = export_of(log)

    def show(self, log: tuple[Entry, ...]) -> None:
        self.log = log
        self.export = export_of(log)

    def add(self, server: grpc.aio.Server) -> None:
        answering(
            server,
            "systemzero.log.v1.LogService",
            GetCheckpoint=self.checkpoint,
            GetConsistencyProof=self.consistency,
            GetProofBundle=self.bundle,
            ExportEntries=self.entries,
        )

    def note(self, size: int | None = None) -> str:
        found = checkpoint_of(self.log[:size])
        return found._replace(origin=self.signer.verifier.name).signed([self.signer])

    async def checkpoint(self, request: Any, context: Any) -> pb.GetCheckpointResponse:
        return pb.GetCheckpointResponse(note=self.note(), verifier_key=str(self.signer.verifier))

    async def consistency(self, request: Any, context: Any) -> pb.GetConsistencyProofResponse:
        hashes = consistency_proof(request.from_size, request.to_size, tree_of(self.log))
        return pb.GetConsistencyProofResponse(hashes=hashes)

    async def bundle(self, request: Any, context: Any) -> pb.GetProofBundleResponse:
        index = request.index if self.shown_index is None else self.shown_index
        tree, size, pinned = tree_of(self.log), len(self.log), request.pinned_size
        bundle = encode_bundle(
            self.log[index],
            inclusion_proof(index, size, tree),
            self.note(),
            [str(self.signer.verifier)],
            extends=(self.note(pinned), consistency_proof(pinned, size, tree)) if pinned else None,
        )
        return pb.GetProofBundleResponse(bundle=bundle)

    async def entries(self, request: Any, context: Any) -> AsyncIterator[pb.ExportEntriesResponse]:
        for line in self.export:
            yield pb.ExportEntriesResponse(chunk=line)


@asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[Client]:
    async with serving(server.add) as target, Client(target) as client:
        yield client


@pytest.fixture
def store(tmp_path: Path) -> PinStore:
    return PinStore(tmp_path / "state")


async def test_a_log_that_grows_verifies_and_its_pin_follows(store: PinStore) -> None:
    server = Server(history(5))
    async with client_of(server) as client:
        first = LogVerifier(client, store=store)
        assert (await first.everything()).checkpoint.size == 5
        assert str(SIGNER.verifier) in first.first_use
        server.show(history(12))
        second = LogVerifier(client, store=store)
        verified, _ = await second.entry(7)
        assert (await second.everything()).checkpoint.size == 12
    assert second.first_use == ""
    assert verified.entry.index == 7
    [pin] = store.all()
    assert pin.checkpoint is not None
    assert (pin.origin, pin.checkpoint.size) == (ORIGIN, 12)


async def test_an_empty_log_verifies_and_may_grow(store: PinStore) -> None:
    server = Server(())
    async with client_of(server) as client:
        assert (await LogVerifier(client, store=store).everything()).checkpoint.size == 0
        server.show(history(3))
        assert (await LogVerifier(client, store=store).everything()).checkpoint.size == 3


async def test_history_that_is_rewritten_is_found_though_the_log_is_whole(store: PinStore) -> None:
    server = Server(history(8))
    async with client_of(server) as client:
        await LogVerifier(client, store=store).checkpoint()
        server.show(history(9, rewritten=3))
        with pytest.raises(LogVerificationError, match="history was rewritten"):
            await LogVerifier(client, store=store).checkpoint()


async def test_a_second_log_of_the_same_size_is_found(store: PinStore) -> None:
    server = Server(history(8))
    async with client_of(server) as client:
        await LogVerifier(client, store=store).checkpoint()
        server.show(history(8, rewritten=0))
        with pytest.raises(LogVerificationError, match="two roots for the tree of 8"):
            await LogVerifier(client, store=store).checkpoint()


async def test_a_log_that_shrank_is_found(store: PinStore) -> None:
    server = Server(history(8))
    async with client_of(server) as client:
        await LogVerifier(client, store=store).checkpoint()
        server.show(history(6))
        with pytest.raises(LogVerificationError, match="6 leaves cannot extend one of 8"):
            await LogVerifier(client, store=store).checkpoint()


async def test_another_key_is_not_taken_for_a_known_log(store: PinStore) -> None:
    server = Server(history(4))
    async with client_of(server) as client:
        await LogVerifier(client, store=store).checkpoint()
        server.signer = Signer(ORIGIN, OTHER_KEY)
        with pytest.raises(LogVerificationError, match="no trusted key signed it"):
            await LogVerifier(client, store=store).checkpoint()


async def test_a_new_name_does_not_make_a_server_trusted_anew(store: PinStore) -> None:
    server = Server(history(4))
    async with client_of(server) as client:
        await LogVerifier(client, store=store).checkpoint()
        server.signer = Signer("another.example/log", OTHER_KEY)
        with pytest.raises(UntrustedLog, match=r"another\.example/log"):
            await LogVerifier(client, store=store).checkpoint()
        key = str(server.signer.verifier)
        await LogVerifier(client, store=store, key=key).checkpoint()
    assert {pin.origin for pin in store.all()} == {ORIGIN, "another.example/log"}


async def test_a_key_that_is_given_must_have_signed(store: PinStore) -> None:
    async with client_of(Server(history(4))) as client:
        other = str(Signer(ORIGIN, OTHER_KEY).verifier)
        with pytest.raises(LogVerificationError, match="no trusted key signed it"):
            await LogVerifier(client, store=store, key=other).checkpoint()
    assert store.all() == ()


async def test_the_proof_of_another_entry_is_not_taken(store: PinStore) -> None:
    server = Server(history(6))
    server.shown_index = 2
    async with client_of(server) as client:
        with pytest.raises(LogVerificationError, match="asked for entry 4"):
            await LogVerifier(client, store=store).entry(4)


async def test_an_export_shorter_than_the_checkpoint_shown_is_found(store: PinStore) -> None:
    server = Server(history(6))
    server.export = export_of(history(5))
    async with client_of(server) as client:
        with pytest.raises(LogVerificationError, match="tail was cut off") as raised:
            await LogVerifier(client, store=store).everything()
        assert not isinstance(raised.value, OlderExport)


async def test_files_are_verified_with_what_was_pinned(store: PinStore, tmp_path: Path) -> None:
    server = Server(history(6))
    async with client_of(server) as client:
        _, bundle = await LogVerifier(client, store=store).entry(3)
    export = tmp_path / "export.jsonl"
    proof = tmp_path / "proof.json"
    proof.write_bytes(bundle)
    export.write_bytes(b"".join(export_of(history(7))))
    with export.open("rb") as file:
        assert verify_export_file(file, store=store).checkpoint.size == 7
    assert verify_bundle_file(proof, store=store).entry.index == 3
    export.write_bytes(b"".join(export_of(history(7, rewritten=2))))
    with export.open("rb") as file, pytest.raises(LogVerificationError, match="entry 5"):
        verify_export_file(file, store=store)
    export.write_bytes(b"".join(export_of(history(5))))
    with export.open("rb") as file, pytest.raises(LogVerificationError, match="cut off"):
        verify_export_file(file, store=store)
    proof.write_bytes(bundle.replace(b"scr_3", b"scr_4"))
    with pytest.raises(LogVerificationError, match="not the one that was recorded"):
        verify_bundle_file(proof, store=store)


def test_a_file_is_not_trusted_for_naming_a_key(store: PinStore, tmp_path: Path) -> None:
    export = tmp_path / "export.jsonl"
    export.write_bytes(b"".join(export_of(history(3))))
    with export.open("rb") as file, pytest.raises(FailedPrecondition, match="no key of the log"):
        verify_export_file(file, store=store)
    with export.open("rb") as file:
        key = str(SIGNER.verifier)
        assert verify_export_file(file, store=store, key=key).checkpoint.size == 3


@pytest.mark.parametrize("data", [b"", b"{", b"[]\n", b'{"origin": 3}\n', b"[" * 100_000])
def test_a_file_that_is_no_export_says_so(store: PinStore, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with path.open("rb") as file, pytest.raises(LogVerificationError, match="line 1"):
        verify_export_file(file, store=store)
    with pytest.raises(LogVerificationError, match="line 1"):
        verify_bundle_file(path, store=store)


async def test_pins_are_for_their_owner_alone(store: PinStore) -> None:
    async with client_of(Server(history(2))) as client:
        await LogVerifier(client, store=store).checkpoint()
    [pin] = store.all()
    path = store.path(pin.target, pin.origin)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.write_text("{}")
    with pytest.raises(DataCorrupted, match="is no pinned log"):
        store.all()


def test_pins_are_kept_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "systemzero"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert default_folder().is_relative_to(os.environ.get("HOME", "/"))


async def test_a_pin_never_goes_back(store: PinStore) -> None:
    server = Server(history(9))
    async with client_of(server) as client:
        await LogVerifier(client, store=store).checkpoint()
    [pin] = store.all()
    older = Server(history(4))
    store.put(type(pin)(pin.target, pin.origin, pin.vkey, older.note()))
    assert store.all() == (pin,)
