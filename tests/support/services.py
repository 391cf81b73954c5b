"""One service behind a real port, with a named fake in the place of the other one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero.capture.v1 import (
    capture_service_pb2_grpc,
    tree_service_pb2,
    tree_service_pb2_grpc,
)
from systemzero.diff.v1 import (
    diff_service_pb2_grpc,
    drift_service_pb2,
    drift_service_pb2_grpc,
    judgement_service_pb2,
    judgement_service_pb2_grpc,
    template_service_pb2_grpc,
    verdict_pb2,
)
from systemzero.log.v1 import log_service_pb2_grpc
from systemzero.tree.v1 import tree_pb2
from systemzero_base.internal.identity import (
    METADATA_KEY,
    IdentitySigner,
    IdentityVerifier,
    Principal,
    current_principal,
)
from systemzero_base.lanes.dispatch import Lanes
from systemzero_capture.app import CaptureService
from systemzero_capture.config import CaptureSettings
from systemzero_core.errors import FailedPrecondition, NotFound
from systemzero_core.formats import own
from systemzero_core.intake import take_in_tree
from systemzero_core.tree import Tree
from systemzero_diff.app import DiffService
from systemzero_diff.config import DiffSettings
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.interceptors.identity import identity_interceptor
from systemzero_runtime.running.backend import backend_registry
from systemzero_runtime.running.service import Listener, Service
from systemzero_runtime.serving.local import LocalChannel
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_storage.tree_body import pack
from systemzero_wire.trees import encode_signatures
from tests.support.stores import NOW

KEY = Ed25519PrivateKey.generate()
TRUSTED = ("gateway", "capture", "diff")


def seconds() -> float:
    """A clock that stands still, for identities."""
    return 1_000.0


class Clock:
    """Microseconds, as a test sets them."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class FakeCaptures(tree_service_pb2_grpc.TreeServiceServicer):
    """A capture service that has the trees that a test put into it, of the tenant `acme`."""

    def __init__(self) -> None:
        self.trees: dict[str, Tree] = {}
        self.error: Exception | None = None
        self.erased: set[str] = set()
        self.incomplete: dict[str, tree_pb2.Incompleteness] = {}
        self.calls: list[tree_service_pb2.GetTreesRequest] = []

    async def GetTrees(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls.append(request)
        if self.error is not None:
            raise self.error
        return tree_service_pb2.GetTreesResponse(
            trees=[self._stored(capture_id) for capture_id in request.capture_ids]
        )

    def _stored(self, capture_id: str) -> tree_service_pb2.StoredTree:
        if current_principal().tenant != "acme" or capture_id not in self.trees:
            raise NotFound(f"no capture {capture_id!r}")
        if capture_id in self.erased:
            raise FailedPrecondition(f"the body of capture {capture_id} was erased")
        intake = take_in_tree(self.trees[capture_id])
        reasons = [self.incomplete[capture_id]] if capture_id in self.incomplete else []
        return tree_service_pb2.StoredTree(
            capture_id=capture_id,
            body=pack(own.encode(intake.tree)),
            signatures=encode_signatures(intake.signatures),
            incompleteness=reasons,
        )


class FakeDiff(judgement_service_pb2_grpc.JudgementServiceServicer):
    """A diff service that knows digests it was told of, and calls every other tree drift.

    It fails with `error` if there is one, with `error_of_stored` only for a capture that is stored.
    """

    def __init__(self) -> None:
        self.unchanged: set[bytes] = set()
        self.requests: list[judgement_service_pb2.JudgeCaptureRequest] = []
        self.events: dict[str, judgement_service_pb2.CaptureVerdict] = {}
        self.asked_for: list[list[str]] = []
        self.tenants: list[str] = []
        self.error: Exception | None = None
        self.error_of_stored: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = 0
        self.most_waiting = 0
        self._reached: dict[int, asyncio.Event] = {}

    async def until(self, waiting: int) -> None:
        """Wait until so many calls are being answered."""
        if self.waiting != waiting:
            await self._reached.setdefault(waiting, asyncio.Event()).wait()

    def _count(self, change: int) -> None:
        self.waiting += change
        self.most_waiting = max(self.most_waiting, self.waiting)
        if reached := self._reached.pop(self.waiting, None):
            reached.set()

    async def JudgeCapture(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.tenants.append(current_principal().tenant)
        self.requests.append(request)
        self._count(1)
        try:
            await self.open.wait()
        finally:
            self._count(-1)
        if error := self.error or (self.error_of_stored if request.stored else None):
            raise error
        told = judgement_service_pb2.CaptureVerdict(capture_id=request.capture_id, log_index=-1)
        if request.incompleteness:
            return _answer(told, verdict_pb2.VERDICT_KIND_INCONCLUSIVE)
        if request.signatures.full in self.unchanged:
            return _answer(told, verdict_pb2.VERDICT_KIND_UNCHANGED)
        if not request.stored:
            return judgement_service_pb2.JudgeCaptureResponse(tree_needed=True)
        # as the real one: one event for one capture
        told.event_id, told.log_index = f"evt_of_{request.capture_id}", 7
        self.events[request.capture_id] = told
        return _answer(told, verdict_pb2.VERDICT_KIND_DRIFT)

    async def GetVerdicts(self, request: Any, context: Any) -> Any:  # noqa: N802
        if self.error is not None:
            raise self.error
        self.asked_for.append([*request.capture_ids])
        told = [self.events[each] for each in request.capture_ids if each in self.events]
        return judgement_service_pb2.GetVerdictsResponse(verdicts=told)


class FakeDrift(drift_service_pb2_grpc.DriftServiceServicer):
    """A diff service's events that are erased without having been there."""

    async def EraseCapture(self, request: Any, context: Any) -> Any:  # noqa: N802
        return drift_service_pb2.EraseCaptureResponse()


def _answer(
    told: judgement_service_pb2.CaptureVerdict, kind: verdict_pb2.VerdictKind.ValueType
) -> judgement_service_pb2.JudgeCaptureResponse:
    told.kind = kind
    told.verdict = verdict_pb2.Verdict(kind=kind, log_index=-1).SerializeToString()
    return judgement_service_pb2.JudgeCaptureResponse(verdict=told)


class House:
    """A served service: stubs that call it as a principal, its clock, the fake beside it."""

    def __init__(
        self, service: Service, channel: grpc.aio.Channel, clock: Clock, fake: Any
    ) -> None:
        self.service = service
        self.name = service.name
        self.channel = channel
        self.clock = clock
        self.fake = fake

    def stub(self, kind: Callable[[grpc.aio.Channel], object], tenant: str = "acme") -> Any:
        """A stub that calls as somebody of `tenant`."""
        return CalledAs(kind(self.channel), self.identity(tenant))

    def identity(self, tenant: str = "acme", issuer: str = "") -> list[tuple[str, str]]:
        """The metadata of a good identity; the diff service is called as the capture service."""
        usual = "capture" if self.name == "diff" else "gateway"
        signer = IdentitySigner(issuer or usual, KEY, seconds)
        return [(METADATA_KEY, signer.token(Principal(tenant, "key_1"), self.name))]

    def captures(self, tenant: str = "acme") -> Any:
        """A stub of CaptureService."""
        return self.stub(capture_service_pb2_grpc.CaptureServiceStub, tenant)

    def templates(self, tenant: str = "acme") -> Any:
        """A stub of TemplateService."""
        return self.stub(template_service_pb2_grpc.TemplateServiceStub, tenant)

    def diff(self, tenant: str = "acme") -> Any:
        """A stub of DiffService."""
        return self.stub(diff_service_pb2_grpc.DiffServiceStub, tenant)

    def drift(self, tenant: str = "acme") -> Any:
        """A stub of DriftService."""
        return self.stub(drift_service_pb2_grpc.DriftServiceStub, tenant)

    def judgements(self, tenant: str = "acme") -> Any:
        """A stub of JudgementService."""
        return self.stub(judgement_service_pb2_grpc.JudgementServiceStub, tenant)

    def log(self, tenant: str = "acme") -> Any:
        """A stub of LogService."""
        return self.stub(log_service_pb2_grpc.LogServiceStub, tenant)


class CalledAs:
    """A stub whose every call carries the same metadata."""

    def __init__(self, stub: object, metadata: list[tuple[str, str]]) -> None:
        self._stub = stub
        self._metadata = metadata

    def __getattr__(self, name: str) -> Any:
        return partial(getattr(self._stub, name), metadata=self._metadata)


@asynccontextmanager
async def capture_house(
    data: Path, lanes: Lanes | None = None, **settings: Any
) -> AsyncIterator[House]:
    """The capture service over `data`, before a fake diff service."""
    fake, clock = FakeDiff(), Clock()
    drift = FakeDrift()  # type: ignore[abstract] # what is not called is not faked
    channel, signer = _fake(
        "capture",
        "diff",
        (judgement_service_pb2_grpc.add_JudgementServiceServicer_to_server, fake),
        (drift_service_pb2_grpc.add_DriftServiceServicer_to_server, drift),
    )
    service = CaptureService(CaptureSettings(data=data, **settings), channel, signer, clock, lanes)
    async with _served(service, clock, fake) as house:
        yield house


@asynccontextmanager
async def diff_house(
    data: Path, lanes: Lanes | None = None, **settings: Any
) -> AsyncIterator[House]:
    """The diff service over `data`, before a fake capture service."""
    fake, clock = FakeCaptures(), Clock()
    add = tree_service_pb2_grpc.add_TreeServiceServicer_to_server
    channel, signer = _fake("diff", "capture", (add, fake))
    service = DiffService(DiffSettings(data=data, **settings), channel, signer, clock, lanes)
    async with _served(service, clock, fake) as house:
        yield house


def _fake(
    caller: str, name: str, *servicers: tuple[Any, Any]
) -> tuple[LocalChannel, IdentitySigner]:
    key = Ed25519PrivateKey.generate()
    verifier = IdentityVerifier(name, {caller: key.public_key()}, seconds)
    registry = HandlerRegistry(
        [errors_interceptor(lambda *_: None), identity_interceptor(verifier)]
    )
    for add, servicer in servicers:
        registry.add(add, servicer)
    return LocalChannel(registry), IdentitySigner(caller, key, seconds)


@asynccontextmanager
async def _served(service: Service, clock: Clock, fake: Any) -> AsyncIterator[House]:
    verifier = IdentityVerifier(service.name, {name: KEY.public_key() for name in TRUSTED}, seconds)
    registry = backend_registry(service, verifier)
    listener = Listener([registry], registry.services, 64_000_000)
    await service.start()
    port = await listener.start("127.0.0.1:0")
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            yield House(service, channel, clock, fake)
    finally:
        await listener.stop(0)
        await service.stop()
