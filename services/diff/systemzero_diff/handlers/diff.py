"""DiffService."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from systemzero.diff.v1 import diff_service_pb2 as pb
from systemzero.diff.v1 import diff_service_pb2_grpc, edit_script_pb2, verdict_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_chassis import fields
from systemzero_chassis.identity import current_issuer, current_principal
from systemzero_chassis.observed import note_verdict
from systemzero_chassis.stages import SMALL_BYTES
from systemzero_chassis.tree_codec import (
    decode_digest,
    decode_signatures,
    encode_incompleteness,
    encode_signatures,
)
from systemzero_core.diff import EditScript, diff
from systemzero_core.drift import similarity
from systemzero_core.errors import InvalidInput
from systemzero_core.formats import own
from systemzero_core.intake import Intake, equal
from systemzero_core.tree import Tree
from systemzero_diff.check import Checker, Subject
from systemzero_diff.codec.edits import encode_script
from systemzero_diff.codec.verdicts import encode_match
from systemzero_diff.handlers.common import answered
from systemzero_diff.model import Answered
from systemzero_diff.sources import AUDIENCE as CAPTURE
from systemzero_diff.sources import TreeSources
from systemzero_diff.templates import TemplateSets

_DEFAULT_RESULTS = 10
_MAX_RESULTS = 100
_ORIGINALS = ("native_sha256", "screenshot_sha256")


class DiffServicer(diff_service_pb2_grpc.DiffServiceServicer):
    """See the contract for what each method does."""

    def __init__(self, checker: Checker, sources: TreeSources, sets: TemplateSets) -> None:
        self._checker = checker
        self._sources = sources
        self._sets = sets

    async def Diff(self, request: pb.DiffRequest, context: Any) -> pb.DiffResponse:
        principal = current_principal()
        a = (await self._sources.resolve(principal, request.a, "a")).intake
        b = (await self._sources.resolve(principal, request.b, "b")).intake
        return await self._sources.off_loop(lambda: _compared(a, b))

    async def Match(self, request: pb.MatchRequest, context: Any) -> pb.MatchResponse:
        principal = current_principal()
        if not 0 <= request.max_results <= _MAX_RESULTS:
            raise InvalidInput.at("max_results", f"between 0 and {_MAX_RESULTS}")
        hint = fields.text(request.screen_hint, "screen_hint")
        intake = (await self._sources.resolve(principal, request.tree, "tree")).intake
        templates = await self._sets.of(principal.tenant)
        answer = await self._sources.off_loop(
            lambda: templates.match(
                intake.tree,
                intake.signatures.full,
                hint,
                request.max_results or _DEFAULT_RESULTS,
            )
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
        tree: Callable[[], Tree] | None = None
        hold: Callable[[], Awaitable[None]] | None = None
        size, capture_id = SMALL_BYTES, request.capture_id
        if _is_normalised(request):
            document = request.tree.native.data
            tree, size = partial(own.decode, document), len(document)
            signatures = decode_signatures(request.signatures, "signatures")
        elif request.HasField("tree"):
            principal = current_principal()
            source = await self._sources.resolve(principal, request.tree, "tree")
            if source.capture_id:
                hold = partial(self._sources.hold, principal, source.capture_id)
            tree, signatures = partial(_tree_of, source.intake), source.intake.signatures
            reasons += [i.detail for i in source.intake.incompleteness]
            capture_id = capture_id or source.capture_id
        else:
            signatures = decode_signatures(request.signatures, "signatures")
        return Subject(
            answered=_answered(request),
            signatures=signatures,
            tree=tree,
            size=size,
            reasons=tuple(reasons),
            screen_hint=fields.text(request.screen_hint, "screen_hint"),
            app=fields.text(request.app, "app"),
            session_id=fields.text(request.session_id, "session_id"),
            capture_id=fields.text(capture_id, "capture_id"),
            originals=_originals(request),
            hold=hold,
        )


def _tree_of(intake: Intake) -> Tree:
    return intake.tree


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


def _compared(a: Intake, b: Intake) -> pb.DiffResponse:
    script = diff(a.tree, b.tree)
    whole = not a.incompleteness and not b.incompleteness
    comparison = edit_script_pb2.TreeComparison(
        equal=equal(a, b),
        structure_equal=whole and a.signatures.structure == b.signatures.structure,
        content_equal=whole and a.signatures.content == b.signatures.content,
        similarity=_similarity(a.tree, b.tree, script),
        signatures_a=encode_signatures(a.signatures),
        signatures_b=encode_signatures(b.signatures),
        incompleteness_a=[encode_incompleteness(*reason) for reason in a.incompleteness],
        incompleteness_b=[encode_incompleteness(*reason) for reason in b.incompleteness],
    )
    return pb.DiffResponse(comparison=comparison, script=encode_script(script))


def _similarity(a: Tree, b: Tree, script: EditScript) -> float:
    return similarity(a, b, script) if len(a) else 0.0
