"""Clients that go on calling while everything below them is restarted, and keep count.

They are the SDK's: its channel sends an idempotent call again that ended UNAVAILABLE. What still
fails is a failure. One more client watches events all the time, and one goes round the screens in
the one order that is allowed: were its path in one process's memory, it would have gaps.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import grpc

from benchmarks.load.mix import INGEST, MIXES, Prepared, calls
from benchmarks.load.screens import DRIFT, reads, screens
from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero_client import Client, Document
from tests.support.patience import PATIENCE

SCREENS = 3
"""The first, small ones: what is tested is not the engine."""
CLIENTS = 4
TIMEOUT = 30.0
PAUSE = 0.02


class Clients:
    """Calls of the mix, without end; runs in a thread with a loop of its own."""

    def __init__(self, target: str, key: str) -> None:
        self.answered: Counter[str] = Counter()
        self.failures: list[str] = []
        self.events: set[str] = set()
        self.watched: list[str] = []
        self._target = target
        self._key = key
        self._over = threading.Event()
        self._begun = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._runs = itertools.count(1)

    def __enter__(self) -> Clients:
        self._thread.start()
        assert self._begun.wait(PATIENCE)
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    async def _run(self) -> None:
        async with Client(self._target, api_key=self._key, tls=False) as client:
            prepared = await self._learned(client)
            stream = calls(prepared, MIXES["native"], seed=1)
            around = itertools.cycle(_in_session(p) for p in prepared if p.kind == "same")
            watch = asyncio.create_task(self._watch(client))
            streams = [*[stream] * CLIENTS, around]
            await asyncio.gather(*(self._call(client, each) for each in streams))
            await self._until_watched(watch)

    async def _learned(self, client: Client) -> list[Prepared]:
        prepared: list[Prepared] = []
        learned = screens()[:SCREENS]
        for screen, following in zip(learned, [*learned[1:], learned[0]], strict=True):
            data, dom, frames = screen.learned
            document = Document(data, dom=dom, frames=frames)
            await client.learn(screen.name, [document], valid_transitions=[following.name])
            prepared += screen.prepared()
        stored = next(call for call in prepared if call.kind == "same")
        answer = await self._send(client, stored)
        capture = capture_pb.IngestResponse.FromString(answer).capture
        return [*prepared, *reads(capture.capture_id, screens()[0].name)]

    async def _send(self, client: Client, call: Prepared) -> bytes:
        method: Any = client.transport.channel.unary_unary(call.method, None, None)
        metadata = (("authorization", f"Bearer {self._key}"),)
        answer: bytes = await method(
            call.filled(next(self._runs)), metadata=metadata, timeout=TIMEOUT
        )
        return answer

    async def _call(self, client: Client, stream: Iterator[Prepared]) -> None:
        while not self._over.is_set():
            call = next(stream)
            try:
                answer = await self._send(client, call)
            except grpc.aio.AioRpcError as error:
                self.failures.append(f"{call.method}: {error.code().name}: {error.details()}")
                continue
            self.answered[call.kind] += 1
            if call.method == INGEST:
                self._judge(call, answer)
            await asyncio.sleep(PAUSE)

    def _judge(self, call: Prepared, answer: bytes) -> None:
        verdict = capture_pb.IngestResponse.FromString(answer).verdict
        if verdict.kind != call.verdict:
            self.failures.append(f"{call.kind}: verdict {verdict.kind}: {verdict.explanation}")
        if any(finding.code == "invalid_transition" for finding in verdict.findings):
            self.failures.append(f"{call.kind}: a path has a gap: {verdict.findings}")
        if call.verdict == DRIFT:
            if verdict.event_id in self.events:
                self.failures.append(f"two captures with the event {verdict.event_id}")
            self.events.add(verdict.event_id)

    async def _watch(self, client: Client) -> None:
        async for watched in client.watch_events():
            self.watched.append(watched.event.event_id)
            self._begun.set()  # not before: a watch that never came up is an error, not a wait

    async def _until_watched(self, watch: asyncio.Task[None]) -> None:
        deadline = asyncio.get_running_loop().time() + TIMEOUT
        while not self.events <= set(self.watched):
            if watch.done() or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.1)
        watch.cancel()
        (ended,) = await asyncio.gather(watch, return_exceptions=True)
        if not isinstance(ended, asyncio.CancelledError):
            self.failures.append(f"the watch ended by itself: {ended!r}")


def _in_session(call: Prepared) -> Prepared:
    """`call` as one of a session, which makes it a kind of its own."""
    request = capture_pb.IngestRequest.FromString(call.body)
    request.session_id = "robot"
    return call._replace(kind="in_session", body=request.SerializeToString())
