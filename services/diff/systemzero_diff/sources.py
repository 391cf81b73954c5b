"""Where the trees of a request come from: the request itself, or the capture service."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

import grpc
import msgspec

from systemzero.capture.v1 import capture_pb2, capture_service_pb2, capture_service_pb2_grpc
from systemzero.tree.v1 import tree_pb2
from systemzero_chassis import fields
from systemzero_chassis.asking import AWAY, ask
from systemzero_chassis.identity import IdentitySigner, Principal
from systemzero_chassis.observed import Outgoing
from systemzero_chassis.reaching import ReachableChannel
from systemzero_chassis.redacting import RulesByTenant
from systemzero_chassis.stages import SMALL_BYTES, off_loop
from systemzero_chassis.tree_codec import decode_format, decode_incompleteness, decode_tree
from systemzero_core.errors import (
    DataCorrupted,
    DomainError,
    FailedPrecondition,
    FieldViolation,
    InvalidInput,
    NotFound,
    TooLarge,
    Unavailable,
)
from systemzero_core.formats import Formats
from systemzero_core.intake import Intake, take_in, take_in_tree
from systemzero_core.redaction import Rules
from systemzero_core.tree import Tree

AUDIENCE = "capture"
_GET_CAPTURE = "/systemzero.capture.v1.CaptureService/GetCapture"
TIMEOUT = 10.0
"""Seconds that the capture service may take to send a tree."""

_ALONE = frozenset(("tree.native",))
"""Fields of requests that have one document: what is wrong with it needs no more words."""

T = TypeVar("T")


class SourcedTree(msgspec.Struct, frozen=True):
    """A tree taken in, and the capture that it is of; empty for none."""

    intake: Intake
    capture_id: str = ""


class TreeSources:
    """Resolves `TreeSource` messages, off the event loop."""

    def __init__(
        self,
        captures: ReachableChannel,
        signer: IdentitySigner,
        executor: Executor,
        formats: Formats,
        rules: RulesByTenant,
    ) -> None:
        """`captures` is a channel to the capture service."""
        self._channel = captures
        self._captures = capture_service_pb2_grpc.CaptureServiceStub(captures)
        self._signer = signer
        self._executor = executor
        self._formats = formats
        self._rules = rules

    def rules_of(self, tenant: str) -> Rules:
        """Which texts are a tenant's secrets."""
        return self._rules.of(tenant)

    async def resolve(
        self, principal: Principal, source: tree_pb2.TreeSource, field: str, *, hold: bool = False
    ) -> SourcedTree:
        """The tree that `source` gives or names; `field` is its path in the request.

        With `hold`, a capture that it names is kept for good: something is made of it.

        Raises:
            InvalidInput, TooLarge: it is no tree, or no source is set.
            NotFound: the principal's tenant has no such capture.
            FailedPrecondition: the capture's body was erased.
            Unavailable: the capture service does not answer.
        """
        kind, rules = source.WhichOneof("source"), self._rules.of(principal.tenant)
        if kind == "tree":
            return SourcedTree(
                await self.off_loop(
                    lambda: take_in_tree(decode_tree(source.tree, field), rules=rules)
                )
            )
        if kind == "native":
            return SourcedTree(
                await self.off_loop(lambda: self._native(source.native, f"{field}.native", rules))
            )
        if kind == "capture_id":
            fields.text(source.capture_id, f"{field}.capture_id", least=1)
            answer = await self._get(principal, source.capture_id, include_tree=True, hold=hold)
            intake = await self.off_loop(lambda: _taken_in(answer.capture, rules))
            return SourcedTree(intake, source.capture_id)
        raise InvalidInput.at(field, "required: tree, capture_id or native")

    async def capture(self, principal: Principal, capture_id: str, *, hold: bool) -> Tree:
        """The normalised tree of a stored capture. Raises, and holds, as `resolve` does."""
        answer = await self._get(principal, capture_id, include_tree=True, hold=hold)
        return await self.off_loop(lambda: decode_tree(answer.capture.tree, "capture.tree"))

    async def hold(self, principal: Principal, capture_id: str) -> None:
        """Keep a stored capture for good. Raises as `resolve` does."""
        await self._get(principal, capture_id, hold=True)

    async def _get(
        self, principal: Principal, capture_id: str, **wanted: bool
    ) -> capture_service_pb2.GetCaptureResponse:
        request = capture_service_pb2.GetCaptureRequest(capture_id=capture_id, **wanted)
        token, outgoing = self._signer.token(principal, AUDIENCE), Outgoing(_GET_CAPTURE, AUDIENCE)
        try:
            answer: capture_service_pb2.GetCaptureResponse = await ask(
                self._channel, self._captures.GetCapture, request, outgoing, token, TIMEOUT
            )
        except grpc.aio.AioRpcError as error:
            raise _translated(error, capture_id) from None
        return answer

    async def off_loop(self, work: Callable[[], T], size: int = SMALL_BYTES) -> T:
        """See `stages.off_loop`."""
        return await off_loop(self._executor, work, size)

    def _native(self, message: tree_pb2.NativeCapture, field: str, rules: Rules) -> Intake:
        form = decode_format(message, field)
        try:
            return take_in(
                message.data,
                format=form,
                dom=message.dom or None,
                frames=tuple(message.frames),
                formats=self._formats,
                rules=rules,
            )
        except (InvalidInput, TooLarge) as error:
            raise error if field in _ALONE else _within(field, error) from None


def _within(field: str, error: DomainError) -> DomainError:
    """`error`, which is about the document in `field` of a request that has several."""
    error.message = f"{field}: {error.message}"
    if isinstance(error, InvalidInput):
        error.violations = tuple(
            FieldViolation(f"{field}.{v.field}", v.description) for v in error.violations
        )
    return error


def _taken_in(capture: capture_pb2.Capture, rules: Rules) -> Intake:
    known = [
        decode_incompleteness(reason, f"capture.incompleteness[{i}]")
        for i, reason in enumerate(capture.incompleteness)
    ]
    return take_in_tree(decode_tree(capture.tree, "capture.tree"), known, rules)


def _translated(error: grpc.aio.AioRpcError, capture_id: str) -> Exception:
    if error.code() is grpc.StatusCode.NOT_FOUND:
        return NotFound(f"no capture {capture_id!r:.120}")
    if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
        return FailedPrecondition(f"the body of capture {capture_id!r:.120} was erased")
    if error.code() in AWAY:
        return Unavailable("the capture service does not answer; try again")
    if error.code() is grpc.StatusCode.DATA_LOSS:
        return DataCorrupted(f"the stored capture {capture_id!r:.120} is damaged")
    return error  # a fault of the platform's own: logged whole, sent generic
