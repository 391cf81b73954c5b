"""What people decide about events, and what follows.

An approval for good makes the capture's tree the template's new baseline, policy kept: it needs
the stored capture, and the template in the version that the event was judged by. One that expires,
a rejection and a snooze are remembered alone, and need the event only. Decision, template version
and their log entries are one transaction.

A decision covers the values that the event shows. What else may stand there is policy of the
template: an approval of the pattern writes the rules.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from systemzero_base.internal.identity import Principal
from systemzero_base.lanes.dispatch import MEMORY_FACTOR
from systemzero_core.drift import Decision, DecisionKind, DecisionScope, decide
from systemzero_core.errors import FailedPrecondition
from systemzero_core.template import Template
from systemzero_diff.codec import answers, events
from systemzero_diff.digests import DECISION_KIND
from systemzero_diff.intake.sources import TreeSources
from systemzero_diff.model import Answered, Source, StoredEvent, StoredTemplate
from systemzero_diff.store import DiffStore, Transaction
from systemzero_diff.templates.library import put_version
from systemzero_diff.templates.sets import TemplateSets
from systemzero_diff.work.approving import approved, recorded
from systemzero_diff.work.packed import Packed
from systemzero_diff.work.templates import Draft
from systemzero_diff.work.unlike import COMPARED


class Decided(msgspec.Struct, frozen=True):
    """The event with its decision, and the template version that an approval made."""

    event: StoredEvent
    template: StoredTemplate | None


class DecisionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants to decide; `pattern`: about other values of the same type, too."""

    event_id: str
    kind: DecisionKind
    scope: DecisionScope
    reason: str
    expire_time: int | None = None
    pattern: bool = False


class _Rebase(msgspec.Struct, frozen=True):
    """The template version that an approval for good makes, and what its new rules let pass."""

    template: Template
    patterns: tuple[str, ...] = ()


class _Made(msgspec.Struct, frozen=True):
    """What is to be written: the decision, and the template version of an approval for good."""

    decision: Decision
    template: Template | None


class Decider:
    """Decides for all tenants."""

    def __init__(
        self,
        store: DiffStore,
        sets: TemplateSets,
        sources: TreeSources,
        new_id: Callable[[str], str],
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._sets = sets
        self._sources = sources
        self._new_id = new_id
        self._clock = clock

    async def decide(
        self,
        principal: Principal,
        wish: DecisionRequest,
        answered: Answered,
        encode: Callable[[Decided], bytes],
    ) -> bytes:
        """Decide once per request id; the serialised answer that `encode` makes.

        Raises:
            NotFound: the tenant has no such event.
            InvalidInput: no reason, or an expiry that is missing or not in the future.
            FailedPrecondition: the event was erased; or an approval for good whose template moved
                on, whose capture was not stored, does not show what the event says, or shows more
                that nobody has approved; or one of a pattern, where there is none.
            Conflict: the request id belongs to another request.
        """
        tenant = principal.tenant
        if (first := await self._store.read(tenant, lambda t: t.answer(answered))) is not None:
            return answers.decision_again(first)
        event = await self._store.read(tenant, lambda t: t.event(wish.event_id))
        _check_not_erased(event)
        rebase = None
        if wish.kind is DecisionKind.APPROVE and wish.expire_time is None:
            try:
                rebase = await self._rebase(principal, event, wish)
            except FailedPrecondition:
                # the template may have moved on by this very request, made again meanwhile
                first = await self._store.read(tenant, lambda t: t.answer(answered))
                if first is None:
                    raise
                return answers.decision_again(first)
        made = _Made(
            decision=self._decision(principal, wish, event, rebase),
            template=rebase.template if rebase else None,
        )
        answer = await self._store.write(
            tenant, lambda t: self._write(t, principal, wish, made, answered, encode)
        )
        self._sets.stale(tenant)
        return answer

    def _write(
        self,
        transaction: Transaction,
        principal: Principal,
        wish: DecisionRequest,
        made: _Made,
        answered: Answered,
        encode: Callable[[Decided], bytes],
    ) -> bytes:
        """Decision, its log entry and the template version it makes: all of it, or the answer."""
        if (first := transaction.answer(answered)) is not None:
            return answers.decision_again(first)
        event = transaction.event(wish.event_id)
        _check_not_erased(event)
        if made.template:  # another approval may have been written meanwhile
            _check_version(event, transaction.template(event.event.template_id).template)
        record = events.decision_record(made.decision, wish.event_id)
        index = transaction.append(DECISION_KIND, record, made.decision.create_time)
        transaction.put_decision(made.decision, wish.event_id, index)
        version = None
        if made.template:
            version = self._put(transaction, made.template, principal, wish)
        answer = encode(Decided(transaction.event(wish.event_id), version))
        kept = answers.keep_decision(answer, event.event.verdict)
        transaction.keep_answer(answered, kept, made.decision.create_time, event.event.capture_id)
        return answer

    async def _rebase(
        self, principal: Principal, event: StoredEvent, wish: DecisionRequest
    ) -> _Rebase:
        template_id = event.event.template_id
        current = await self._store.read(principal.tenant, lambda t: t.template(template_id))
        _check_version(event, current.template)
        capture = await self._capture(principal, event)
        decisions = (await self._sets.of(principal.tenant)).decisions.on(event.event.screen_id)
        packed = Packed.of(current.template)
        size = packed.size + capture.size
        done = await self._sources.lanes.do(
            *(principal.tenant, COMPARED * size, approved),
            *(packed, capture, event.event, decisions, self._clock(), wish.pattern),
            memory=2 * MEMORY_FACTOR * size,
        )
        draft = Draft.decoded(done)
        return _Rebase(draft.template, draft.patterns)

    async def _capture(self, principal: Principal, event: StoredEvent) -> Source:
        if not event.event.capture_id:
            raise FailedPrecondition(
                f"event {event.event.event_id} is of a tree that was checked without being stored: "
                "ingest the screen, then approve that event"
            )
        captures = [event.event.capture_id]
        (capture,) = await self._sources.captures(principal, captures, hold=True)
        return capture

    def _decision(
        self,
        principal: Principal,
        wish: DecisionRequest,
        event: StoredEvent,
        rebase: _Rebase | None,
    ) -> Decision:
        return decide(
            recorded(event.event),
            wish.kind,
            wish.scope,
            decision_id=self._new_id("dec"),
            screen_id=event.event.screen_id,
            app=event.event.app,
            reason=wish.reason,
            actor=principal.principal_id,
            now=self._clock(),
            expire_time=wish.expire_time,
            patterns=rebase.patterns if rebase else (),
        )

    def _put(
        self,
        transaction: Transaction,
        template: Template,
        principal: Principal,
        wish: DecisionRequest,
    ) -> StoredTemplate:
        return put_version(
            transaction,
            template,
            self._clock(),
            self._new_id("etag"),
            principal,
            reason=wish.reason,
        )


def _check_not_erased(event: StoredEvent) -> None:
    if event.erase_time is not None:
        raise FailedPrecondition(
            f"event {event.event.event_id} says nothing any more: its capture was deleted"
        )


def _check_version(event: StoredEvent, template: Template) -> None:
    judged_by = event.event.template_version
    if template.version != judged_by:
        raise FailedPrecondition(
            f"template {template.screen_id} has moved on from version {judged_by} to "
            f"{template.version}: check the screen again"
        )
