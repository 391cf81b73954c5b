"""DiffService: compares two trees, finds the template of a tree, and judges a tree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from systemzero.diff.v1 import diff_service_pb2 as pb
from systemzero.diff.v1 import diff_service_pb2_grpc
from systemzero.tree.v1 import tree_pb2
from systemzero_base.internal.identity import current_principal
from systemzero_base.lanes.dispatch import MEMORY_FACTOR
from systemzero_core.errors import InvalidInput
from systemzero_core.match import match
from systemzero_diff.codec.judging import ORIGINALS, decode_reasons, encode_check
from systemzero_diff.codec.verdicts import encode_match
from systemzero_diff.handlers.common import answered, note
from systemzero_diff.intake.sources import TreeSources
from systemzero_diff.model import Subject
from systemzero_diff.templates.sets import TemplateSets
from systemzero_diff.verdicts.check import Checker
from systemzero_diff.verdicts.searching import Searcher
from systemzero_diff.work.compare import compare
from systemzero_diff.work.unlike import COMPARED
from systemzero_wire import fields
from systemzero_wire.trees import decode_signatures
from systemzero_wire.unread import each_unread

_DEFAULT_RESULTS = 10
_MAX_RESULTS = 100
_MOST_REASONS = 1_000


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
        tenant, size = principal.tenant, a.size + b.size
        told, memory = self._sources.told(tenant), 2 * MEMORY_FACTOR * size
        do = self._sources.lanes.do
        return await do(tenant, COMPARED * size, compare, a, b, told, memory=memory)

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
        checked = await self._checker.check(principal, await self._subject(request))
        note(checked)
        return encode_check(checked)

    async def _subject(self, request: pb.CheckRequest) -> Subject:
        told, name = request.incompleteness, "incompleteness"
        reasons = decode_reasons(each_unread(tree_pb2.Incompleteness, told, name, _MOST_REASONS))
        _check_not_told(request)
        hold: Callable[[], Awaitable[None]] | None = None
        document, capture_id = b"", ""
        if request.HasField("tree"):
            principal = current_principal()
            source = await self._sources.fetch(principal, request.tree, "tree")
            if source.capture_id:
                hold = partial(self._sources.hold, principal, source.capture_id)
            taken = await self._sources.take(principal, source, document=True)
            document, signatures = taken.document, taken.of_tree
            reasons += taken.reasons
            capture_id = source.capture_id
        else:
            signatures = decode_signatures(request.signatures, "signatures")
        return Subject(
            answered=answered(request),
            signatures=signatures,
            document=document,
            reasons=tuple(reasons),
            screen_hint=fields.text(request.screen_hint, "screen_hint"),
            app=fields.text(request.app, "app"),
            session_id=fields.text(request.session_id, "session_id"),
            capture_id=capture_id,
            hold=hold,
            recordable=bool(document),
        )


def _check_not_told(request: pb.CheckRequest) -> None:
    """Nobody who may check is believed about what is stored: the log records it."""
    named = request.capture_id
    if named and named != request.tree.capture_id:
        raise InvalidInput.at("capture_id", "name a stored capture by tree.capture_id")
    for field in ORIGINALS:
        if getattr(request, field):
            raise InvalidInput.at(field, "said by the capture service alone")
