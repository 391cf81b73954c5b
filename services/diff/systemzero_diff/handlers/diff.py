"""DiffService."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from systemzero.diff.v1 import diff_service_pb2 as pb
from systemzero.diff.v1 import diff_service_pb2_grpc, verdict_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_base.internal.identity import current_issuer, current_principal
from systemzero_base.telemetry.observed import note_verdict
from systemzero_core.errors import InvalidInput
from systemzero_core.match import match
from systemzero_diff.codec.verdicts import encode_match
from systemzero_diff.handlers.common import answered
from systemzero_diff.intake.sources import AUDIENCE as CAPTURE
from systemzero_diff.intake.sources import TreeSources
from systemzero_diff.model import Answered
from systemzero_diff.templates.sets import TemplateSets
from systemzero_diff.verdicts.check import Checker
from systemzero_diff.verdicts.judging import Subject
from systemzero_diff.verdicts.searching import Searcher
from systemzero_diff.work.compare import compare
from systemzero_wire import fields
from systemzero_wire.trees import decode_digest, decode_signatures

_DEFAULT_RESULTS = 10
_MAX_RESULTS = 100
_ORIGINALS = ("native_sha256", "screenshot_sha256")


class DiffServicer(diff_service_pb2_grpc.DiffServiceServicer):
    """See the contract for what each method does."""

    def __init__(
        self, checker: Checker, sources: TreeSources, sets: TemplateSets, searcher: Searcher
    ) -> None:
        self._checker = checker
        self._searcher = searcher
        self._sources = sources
        self._sets = sets

    async def Diff(self, request: pb.DiffRequest, context: Any) -> Any:
        principal = current_principal()
        a = await self._sources.fetch(principal, request.a, "a")
        b = await self._sources.fetch(principal, request.b, "b")
        tenant, size = principal.tenant, 2 * (a.size + b.size)  # they are compared, too
        told = self._sources.told(tenant)
        return await self._sources.lanes.do(tenant, size, compare, a, b, told)

    async def Match(self, request: pb.MatchRequest, context: Any) -> pb.MatchResponse:
        principal = current_principal()
        if not 0 <= request.max_results <= _MAX_RESULTS:
            raise InvalidInput.at("max_results", f"between 0 and {_MAX_RESULTS}")
        hint = fields.text(request.screen_hint, "screen_hint")
        source = await self._sources.fetch(principal, request.tree, "tree")
        templates = await self._sets.of(principal.tenant)
        layout = templates.index.weights.layout > 0
        taken = await self._sources.take(principal, source, things=True, layout=layout)
        answer = await self._searcher.search(
            taken.things,
            lambda tokens: match(
                templates.index,
                tokens,
                full_signature=taken.of_tree.full.hex(),
                hint=hint,
                k=request.max_results or _DEFAULT_RESULTS,
                thresholds=templates.thresholds,
            ),
        )
        return pb.MatchResponse(
            matches=map(encode_match, answer.results),
            matched=answer.chosen is not None,
            explanation=answer.explanation,
        )

    async def Check(self, request: pb.CheckRequest, context: Any) -> pb.CheckResponse:
        principal = current_principal()
        answer = await self._checker.check(principal, await self._subject(request))
        if not answer.tree_needed:
            note_verdict(verdict_pb2.VerdictKind.Name(answer.verdict.kind))
        return answer

    async def _subject(self, request: pb.CheckRequest) -> Subject:
        reasons = [
            i.detail or _reason(i, f"incompleteness[{n}]")
            for n, i in enumerate(request.incompleteness)
        ]
        _check_told_by_capture(request)
        hold: Callable[[], Awaitable[None]] | None = None
        document, capture_id = b"", request.capture_id
        if _is_normalised(request):
            document = request.tree.native.data
            signatures = decode_signatures(request.signatures, "signatures")
        elif request.HasField("tree"):
            principal = current_principal()
            source = await self._sources.fetch(principal, request.tree, "tree")
            if source.capture_id:
                hold = partial(self._sources.hold, principal, source.capture_id)
            taken = await self._sources.take(principal, source, document=True)
            document, signatures = taken.document, taken.of_tree
            reasons += taken.reasons
            capture_id = capture_id or source.capture_id
        else:
            signatures = decode_signatures(request.signatures, "signatures")
        return Subject(
            answered=_answered(request),
            signatures=signatures,
            document=document,
            reasons=tuple(reasons),
            screen_hint=fields.text(request.screen_hint, "screen_hint"),
            app=fields.text(request.app, "app"),
            session_id=fields.text(request.session_id, "session_id"),
            capture_id=fields.text(capture_id, "capture_id"),
            originals=_originals(request),
            hold=hold,
        )


def _answered(request: pb.CheckRequest) -> Answered:
    """Of a stored capture the id stands for its tree, which is sent only where it is needed."""
    if not request.capture_id or current_issuer() != CAPTURE:
        return answered(request)
    told = {field.name: value for field, value in request.ListFields() if field.name != "tree"}
    return answered(pb.CheckRequest(**told))


def _is_normalised(request: pb.CheckRequest) -> bool:
    """Whether the tree is what the capture service has stored, normalised and signed by it."""
    return (
        bool(request.capture_id)
        and current_issuer() == CAPTURE
        and request.HasField("signatures")
        and request.tree.native.format == tree_pb2.FORMAT_TREE
    )


def _check_told_by_capture(request: pb.CheckRequest) -> None:
    """Only the capture service is believed about what is stored: the log records it."""
    if current_issuer() == CAPTURE:
        return
    named = request.capture_id
    if named and named != request.tree.capture_id:
        raise InvalidInput.at("capture_id", "name a stored capture by tree.capture_id")
    for field in _ORIGINALS:
        if getattr(request, field):
            raise InvalidInput.at(field, "said by the capture service alone")


def _originals(request: pb.CheckRequest) -> dict[str, str]:
    found = {field: getattr(request, field) for field in _ORIGINALS}
    return {field: decode_digest(value, field).hex() for field, value in found.items() if value}


def _reason(incompleteness: tree_pb2.Incompleteness, field: str) -> str:
    if incompleteness.reason not in tree_pb2.IncompletenessReason.values():
        raise InvalidInput.at(f"{field}.reason", f"{incompleteness.reason} is no reason")
    name = tree_pb2.IncompletenessReason.Name(incompleteness.reason)
    return name.removeprefix("INCOMPLETENESS_REASON_").lower()
