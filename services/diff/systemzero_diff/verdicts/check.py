"""A capture's verdict: match, diff, judge, decide, record.

incomplete                 -> INCONCLUSIVE
digest judged before       -> the same verdict, without the tree, if it leaves no event
no template fits           -> UNKNOWN_SCREEN
nothing open differs       -> UNCHANGED
otherwise                  -> DRIFT: the event and its log entry in one transaction

Drift that was judged before is recorded without its tree, too, for a capture that is stored: a
screen that has drifted is seen again and again until somebody decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from systemzero.diff.v1 import diff_service_pb2 as pb
from systemzero.diff.v1 import verdict_pb2
from systemzero_base.internal.identity import Principal
from systemzero_base.lru import Lru
from systemzero_core.drift import Finding, Visit
from systemzero_core.drift.detectors.sequence import review
from systemzero_diff import metrics
from systemzero_diff.codec import answers, events, verdicts
from systemzero_diff.digests import EVENT_KIND
from systemzero_diff.drift import Drift
from systemzero_diff.model import Kept, NewEvent, Session
from systemzero_diff.store import DiffStore, Transaction
from systemzero_diff.templates.sets import Generation, TemplateSet, TemplateSets
from systemzero_diff.verdicts.counts import VerdictCounts
from systemzero_diff.verdicts.judging import Judging, Subject
from systemzero_diff.verdicts.sessions import Sessions

_Key = tuple[str, Generation, bytes, str, str]
_ENTRY = 1_000
"""Bytes that an entry takes beside its texts."""
_MESSAGE = 4
_WIDEST = 4
"""Bytes of a text's widest character."""
"""All that a judgement rests on: tenant, state of its templates, full digest, hint, application."""


def verdict_memory(key: _Key, verdict: verdict_pb2.Verdict) -> int:
    """Bytes that a remembered verdict takes, about: a message takes some times its serialised."""
    return _key_memory(key) + _MESSAGE * verdict.ByteSize()


def drift_memory(key: _Key, drift: Drift) -> int:
    """Bytes that remembered drift takes, about."""
    return _key_memory(key) + len(drift.verdict) + _WIDEST * (len(drift.screen_id) + len(drift.app))


def _key_memory(key: _Key) -> int:
    return _ENTRY + _WIDEST * (len(key[0]) + len(key[3]) + len(key[4]))


class _Call(msgspec.Struct, frozen=True):
    """What is judged, by which templates; the session as it was when the call came."""

    tenant: str
    templates: TemplateSet
    subject: Subject
    session: Session | None = None


class _Made(NamedTuple):
    """An event, the answer with its verdict, and what the log records of it."""

    event: NewEvent
    answer: pb.CheckResponse
    record: Mapping[str, Any]


class Checker:
    """Judges captures of all tenants."""

    def __init__(
        self,
        store: DiffStore,
        sets: TemplateSets,
        judging: Judging,
        known: Lru[_Key, verdict_pb2.Verdict],
        drifts: Lru[_Key, Drift],
        sessions: Sessions,
        counts: VerdictCounts,
        new_id: Callable[[str], str],
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._sets = sets
        self._judging = judging
        self._known = known
        self._drifts = drifts
        self._sessions = sessions
        self._counts = counts
        self._new_id = new_id
        self._clock = clock

    async def check(self, principal: Principal, subject: Subject) -> pb.CheckResponse:
        """The verdict; `tree_needed` where there is no tree and the signatures do not decide."""
        tenant = principal.tenant
        if subject.reasons:
            metrics.ANSWERED.labels("incompleteness").inc()
            return self._done(tenant, verdicts.inconclusive(subject.reasons))
        templates = await self._sets.of(tenant)
        key = (
            tenant,
            templates.generation,
            subject.signatures.full,
            subject.screen_hint,
            subject.app,
        )
        verdict = self._known.get(key)
        # drift without a tree is recorded for a stored capture alone
        drift = self._drifts.get(key) if subject.document or subject.capture_id else None
        if not subject.document and verdict is None and drift is None:
            metrics.ANSWERED.labels("not_yet").inc()
            return pb.CheckResponse(tree_needed=True)
        if drift is not None:  # what records it looks for an answer given before, too
            return await self._record(_Call(tenant, templates, subject), drift, "signatures")
        answer, session = await self._before(tenant, subject)
        if answer is not None:
            metrics.ANSWERED.labels("request").inc()
            return answers.check_again(answer)
        call = _Call(tenant, templates, subject, session)
        if verdict is not None:
            metrics.ANSWERED.labels("signatures").inc()
            return self._done(tenant, await self._on_path(call, verdict))
        return await self._check_tree(call, key)

    async def _check_tree(self, call: _Call, key: _Key) -> pb.CheckResponse:
        judged = await self._judging.judged(call.tenant, call.templates, call.subject)
        if isinstance(judged, Drift):
            if not judged.decided:
                self._drifts.put(key, judged)
            return await self._record(call, judged, "tree")
        metrics.ANSWERED.labels("tree").inc()
        if not judged.decision_ids:
            self._known.put(key, judged)
        return self._done(call.tenant, await self._on_path(call, judged))

    async def _on_path(self, call: _Call, verdict: verdict_pb2.Verdict) -> verdict_pb2.Verdict:
        """`verdict`, with what the session's path adds to its findings.

        An inconclusive capture is no step of a path, an unknown screen is one without a name.
        """
        if verdict.kind == verdict_pb2.VERDICT_KIND_INCONCLUSIVE or not call.subject.session_id:
            return verdict
        known = verdict.kind != verdict_pb2.VERDICT_KIND_UNKNOWN_SCREEN
        visit = Visit(verdict.match.screen_id if known else "", self._clock())
        if self._sessions.stays(call.session, visit):
            return verdict
        findings = await self._store.write(call.tenant, lambda t: self._visit(t, call, visit))
        return verdicts.with_findings(verdict, findings)

    def _visit(self, transaction: Transaction, call: _Call, visit: Visit) -> list[Finding]:
        """What is remarkable about the session's path, now that it comes to this screen."""
        if not call.subject.session_id:
            return []
        path = self._sessions.visit(transaction, call.subject.session_id, visit)
        last = len(path) - 1
        return [finding for at, finding in review(path, call.templates.transitions) if at == last]

    async def _record(self, call: _Call, drift: Drift, known_by: str) -> pb.CheckResponse:
        subject, event_id, now = call.subject, self._new_id("evt"), self._clock()
        if subject.hold is not None:
            await subject.hold()  # before: no event names a capture that may be collected
        visit = Visit(drift.screen_id, now)

        def made(findings: Sequence[Finding]) -> _Made:
            answer = pb.CheckResponse()
            event = drift.event(answer.verdict, event_id, now, subject.capture_id, findings)
            digest = subject.signatures.full.hex()
            record = events.event_record(event, answer.verdict, digest, subject.originals)
            return _Made(event, answer, record)

        usual = made(())  # others wait for the job, and a path seldom has anything to say

        def job(transaction: Transaction) -> Kept | _Made:
            if (first := transaction.answer(subject.answered)) is not None:
                return first
            findings = self._visit(transaction, call, visit)
            event, answer, record = new = made(findings) if findings else usual
            index = transaction.append(EVENT_KIND, record, now)
            transaction.put_event(event, index)
            answer.verdict.event_id, answer.verdict.log_index = event_id, index
            kept = answers.keep_check(answer, event.verdict)
            transaction.keep_answer(subject.answered, kept, now, subject.capture_id)
            return new

        with metrics.RECORD.time():
            done = await self._store.write(call.tenant, job)
        if isinstance(done, Kept):
            metrics.ANSWERED.labels("request").inc()
            return answers.check_again(done)
        metrics.ANSWERED.labels(known_by).inc()
        metrics.recorded(done.answer.verdict, done.event.severity)
        return self._counted(call.tenant, done.answer)

    async def _before(self, tenant: str, subject: Subject) -> tuple[Kept | None, Session | None]:
        """The answer given to this request before, and the session; no read where it has no id."""
        answered, session_id = subject.answered, subject.session_id
        if not answered.request_id and not session_id:
            return None, None
        return await self._store.look_up(
            tenant, lambda t: (t.answer(answered), t.session(session_id))
        )

    def _done(self, tenant: str, verdict: verdict_pb2.Verdict) -> pb.CheckResponse:
        return self._counted(tenant, pb.CheckResponse(verdict=verdict))

    def _counted(self, tenant: str, answer: pb.CheckResponse) -> pb.CheckResponse:
        name = verdict_pb2.VerdictKind.Name(answer.verdict.kind)
        kind = name.removeprefix("VERDICT_KIND_").lower()
        self._counts.add(tenant, kind, self._clock())
        metrics.VERDICTS[kind].inc()
        return answer
