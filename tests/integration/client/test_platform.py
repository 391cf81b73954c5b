"""The SDK against a running platform: what the command line does not use of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from systemzero_client import Client, Document, Sighting, SystemZeroError
from systemzero_client.messages import decode_tree
from systemzero_core.intake import take_in
from systemzero_core.tlog import verify_consistency, verify_inclusion
from systemzero_core.tlog.checkpoint import parse_checkpoint
from systemzero_core.tlog.merkle import hash_leaf
from tests.support.captures import capture
from tests.support.platform import Platform, running


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running("standalone", tmp_path_factory.mktemp("platform")) as started:
        yield started


def document(state: str = "1-console", version: str = "4.15.5") -> Document:
    found = capture("parcel-console", version, state)
    return Document(found.ax, dom=found.dom, frames=found.frames)


async def test_a_capture_is_stored_read_watched_and_erased(platform: Platform) -> None:
    async with Client(platform.target, api_key=platform.admin_key) as client:
        sighting = Sighting("parcels", session="s", time=datetime(2026, 11, 22, tzinfo=UTC))
        first = (await client.ingest(document(), sighting)).capture
        found = await client.captures.get(first.capture_id, include_tree=True)
        taken = take_in(document().data, dom=document().dom)
        assert decode_tree(found.tree) == taken.tree
        assert found.signatures.full == taken.signatures.full
        listed = [c.capture_id async for c in client.captures.list(app="parcels", page_size=1)]
        assert listed == [first.capture_id]
        erased = await client.captures.delete(first.capture_id)
        assert erased.HasField("erase_time")
        watch = client.captures.watch()
        following = asyncio.ensure_future(anext(watch))
        while not following.done():  # a watch starts with what comes once it is on
            last = (await client.ingest(document("3-try"))).capture
        assert (await following).capture.capture_id <= last.capture_id
        await watch.aclose()


async def test_a_repeated_request_answers_as_the_first_did(platform: Platform) -> None:
    async with Client(platform.target, api_key=platform.admin_key) as client:
        given = document("explorer")
        first = await client.ingest(given, request_id="once", at_edge=True)
        again = await client.ingest(given, request_id="once", at_edge=True)
        assert again.capture.capture_id == first.capture.capture_id


async def test_screens_are_compared_and_matched(platform: Platform) -> None:
    async with Client(platform.target, api_key=platform.admin_key) as client:
        template = await client.learn("console", [document(), take_in(document().data).tree])
        assert (await client.match(document(), screen="console")).matches[0].screen_id == "console"
        found = await client.diff(document(), document("1-console-later"))
        assert len(found.script.edits) == 2
        changed = await client.templates.get("console")
        changed.metadata["owner"] = "desk"
        newer = await client.templates.update(changed, ["metadata"])
        assert (newer.version, newer.metadata["owner"]) == (template.version + 1, "desk")
        with pytest.raises(SystemZeroError) as caught:
            await client.templates.update(changed, ["metadata"])
        assert caught.value.reason == "CONFLICT"


async def test_proofs_verify_by_hand(platform: Platform) -> None:
    async with Client(platform.target, api_key=platform.admin_key) as client:
        for screen in ("a", "b", "c"):
            await client.learn(screen, [document("3-try")])
        entries = [entry async for entry in client.log.entries(page_size=2)]
        proof = await client.log.inclusion_proof(1)
        checkpoint = parse_checkpoint(proof.checkpoint)
        leaf, hashes = hash_leaf(entries[1].leaf), list(proof.hashes)
        verify_inclusion(leaf, 1, proof.tree_size, hashes, checkpoint.root)
        grown = await client.log.consistency_proof(1)
        newest = parse_checkpoint(grown.checkpoint)
        root = hash_leaf(entries[0].leaf)
        verify_consistency(1, root, grown.to_size, newest.root, list(grown.hashes))


async def test_a_token_stands_for_its_key(platform: Platform) -> None:
    async with Client(platform.target, api_key=platform.admin_key) as client:
        token = (await client.keys.issue_token(lifetime=timedelta(minutes=1))).token
    async with Client(platform.target, token=token) as client:
        assert (await client.status()).tenant == "default"
