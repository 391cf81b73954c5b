"""A capture's verdict: match, diff, judge, decide, record.

incomplete                 -> INCONCLUSIVE
digest judged before       -> the same verdict, without the tree, if it leaves no event
no template fits           -> UNKNOWN_SCREEN
nothing open differs       -> UNCHANGED
otherwise                  -> DRIFT: the event and its log entry in one transaction

Drift that was judged before is recorded without its tree, too, for a capture that is stored: a
screen that has drifted is seen again and again until somebody decides.

Invariants:
1. A verdict that leaves an event is stored with it, and nowhere else. Whoever keeps captures finds
   it by the event's id, which is made of the capture's.
2. Of one such id there is one event: the transaction that would store it looks for it first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from systemzero_base.internal.identity import Principal
from systemzero_base.lru import Lru
from systemzero_core.drift import Finding, SessionCapture, Verdict
from systemzero_core.drift.detectors.sequence import review
from systemzero_diff import metrics
from systemzero_diff.codec import answers, events, verdicts
from systemzero_diff.digests import EVENT_KIND
from systemzero_diff.model import Checked, Drifted, Judged, Needs, NewEvent, Session, Subject
from systemzero_diff.store import DiffStore, Transaction
from systemzero_diff.templates.sets import Generation, TemplateSet, TemplateSets
from systemzero_diff.verdicts.counts import VerdictCounts
from systemzero_diff.verdicts.judging import Judging
from systemzero_diff.verdicts.sessions import SessionPaths

_Key = tuple[str, Generation, bytes, str, str]
"""All that a judgement rests on: tenant, state of its templates, full digest, hint, application."""
_ENTRY = 1_000
"""Bytes that an entry takes beside its texts."""
_WIDEST = 4
"""Bytes of a text's widest character."""


def judged_memory(key: _Key, judged: Judged) -> int:
    """Bytes that a remembered verdict takes, about."""
    texts = len(judged.screen_id)
    if (drift := judged.drift) is not None:
        texts += len(drift.app) + sum(map(len, (*drift.edits, *drift.findings)))
    named = len(key[0]) + len(key[3]) + len(key[4])
    return _ENTRY + len(judged.body) + _WIDEST * (texts + named)


class _Call(msgspec.Struct, frozen=True):
    """What is judged, by which templates; the session as it was when the call came."""

    tenant: str
    templates: TemplateSet
    subject: Subject
    session: Session | None = None


class _Made(NamedTuple):
    """An event, what it is made of, and what the log records of it."""

    event: NewEvent
    drift: Drifted
    record: Mapping[str, Any]


class Checker:
    """Judges captures of all tenants."""

    def __init__(
        self,
        store: DiffStore,
        sets: TemplateSets,
        judging: Judging,
        known: Lru[_Key, Judged],
        drifts: Lru[_Key, Judged],
        sessions: SessionPaths,
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

    async def check(self, principal: Principal, subject: Subject) -> Checked | Needs:
        """The verdict, or what it takes where the signatures alone do not decide."""
        tenant = principal.tenant
        if subject.reasons:
            metrics.ANSWERED.labels("incompleteness").inc()
            return self._done(tenant, verdicts.inconclusive(subject.reasons))
        templates = await self._sets.of(tenant)
        signatures, hint = subject.signatures, subject.screen_hint
        key = (tenant, templates.generation, signatures.full, hint, subject.app)
        judged = self._known.get(key) or self._drifts.get(key)
        if judged is None and not subject.document:
            metrics.ANSWERED.labels("not_yet").inc()
            return Needs.TREE
        if judged is not None and judged.drift is not None:
            if not subject.recordable:
                metrics.ANSWERED.labels("not_yet").inc()
                return Needs.STORED
            # what records it looks for an answer given before, too
            return await self._record(_Call(tenant, templates, subject), judged, "signatures")
        first, session = await self._before(tenant, subject)
        if first is not None:
            return first
        call = _Call(tenant, templates, subject, session)
        if judged is None:
            return await self._check_tree(call, key)
        metrics.ANSWERED.labels("signatures").inc()
        return self._done(tenant, await self._on_path(call, judged))

    async def verdicts_of(self, tenant: str, event_ids: Sequence[str]) -> Mapping[str, Checked]:
        """The verdicts of events, by the events' ids; of those that there are."""
        return await self._store.look_up(tenant, lambda t: t.recorded(event_ids))

    async def _check_tree(self, call: _Call, key: _Key) -> Checked:
        judged = await self._judging.judged(call.tenant, call.templates, call.subject)
        if not judged.decided:
            (self._known if judged.drift is None else self._drifts).put(key, judged)
        if judged.drift is not None:
            return await self._record(call, judged, "tree")
        metrics.ANSWERED.labels("tree").inc()
        return self._done(call.tenant, await self._on_path(call, judged))

    async def _on_path(self, call: _Call, judged: Judged) -> Judged:
        """`judged`, with what the session's path adds to its findings.

        An inconclusive capture is no step of a path, an unknown screen is one without a name.
        """
        if judged.kind is Verdict.INCONCLUSIVE or not call.subject.session_id:
            return judged
        visit = SessionCapture(judged.screen_id, self._clock())
        if self._sessions.stays(call.session, visit):
            return judged
        findings = await self._store.write(call.tenant, lambda t: self._visit(t, call, visit))
        return verdicts.with_findings(judged, findings)

    def _visit(self, transaction: Transaction, call: _Call, visit: SessionCapture) -> list[Finding]:
        """What is remarkable about the session's path, now that it comes to this screen."""
        if not call.subject.session_id:
            return []
        path = self._sessions.visit(transaction, call.subject.session_id, visit)
        last = len(path) - 1
        return [finding for at, finding in review(path, call.templates.transitions) if at == last]

    async def _record(self, call: _Call, judged: Judged, known_by: str) -> Checked:
        subject, now = call.subject, self._clock()
        event_id = subject.event_id or self._new_id("evt")
        if subject.hold is not None:
            await subject.hold()  # before: no event names a capture that may be collected
        visit = SessionCapture(judged.screen_id, now)
        usual = _made(subject, judged, event_id, now)  # others wait for the job

        def job(transaction: Transaction) -> tuple[Checked, Drifted | None]:
            if (first := _first(transaction, subject)) is not None:
                return first, None
            made = usual
            if findings := self._visit(transaction, call, visit):
                made = _made(subject, verdicts.with_findings(judged, findings), event_id, now)
            index = transaction.append(EVENT_KIND, made.record, now)
            transaction.put_event(made.event, index)
            checked = Checked(Verdict.DRIFT, made.event.verdict, event_id, index)
            kept = answers.keep_check(checked)
            transaction.keep_answer(subject.answered, kept, now, subject.capture_id)
            return checked, made.drift

        with metrics.RECORD.time():
            checked, drift = await self._store.write(call.tenant, job)
        if drift is None:
            metrics.ANSWERED.labels("request").inc()
            return checked
        metrics.ANSWERED.labels(known_by).inc()
        metrics.recorded(drift.detector, drift.severity)
        self._count(call.tenant, checked.kind)
        return checked

    async def _before(self, tenant: str, subject: Subject) -> tuple[Checked | None, Session | None]:
        """The answer given to this request before, and the session; no read where it has no id."""
        session_id = subject.session_id
        if not subject.answered.request_id and not session_id:
            return None, None
        first, session = await self._store.look_up(
            tenant, lambda t: (_kept(t, subject), t.session(session_id))
        )
        return _repeated(first), session

    def _done(self, tenant: str, judged: Judged) -> Checked:
        self._count(tenant, judged.kind)
        return Checked(judged.kind, judged.body)

    def _count(self, tenant: str, kind: Verdict) -> None:
        self._counts.add(tenant, kind.value, self._clock())
        metrics.VERDICTS[kind.value].inc()


def _made(subject: Subject, judged: Judged, event_id: str, now: int) -> _Made:
    drift = judged.drift
    assert drift is not None  # noqa: S101 - of drift alone there are events
    event = NewEvent(
        event_id=event_id,
        create_time=now,
        capture_id=subject.capture_id,
        app=drift.app,
        screen_id=judged.screen_id,
        template_id=drift.template_id,
        template_version=drift.template_version,
        severity=drift.severity,
        fingerprint=drift.fingerprint,
        values_digest=drift.values_digest,
        verdict=judged.body,
    )
    digest = subject.signatures.full.hex()
    return _Made(event, drift, events.event_record(event, drift, digest, subject.originals))


def _first(transaction: Transaction, subject: Subject) -> Checked | None:
    """What was recorded, or answered, before."""
    if subject.event_id:
        return transaction.recorded([subject.event_id]).get(subject.event_id)
    return _kept(transaction, subject)


def _kept(transaction: Transaction, subject: Subject) -> Checked | None:
    kept = transaction.answer(subject.answered)
    return None if kept is None else answers.check_again(kept)


def _repeated(first: Checked | None) -> Checked | None:
    if first is not None:
        metrics.ANSWERED.labels("request").inc()
    return first
