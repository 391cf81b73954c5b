"""New template versions: each is an entry of the log, however it was made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from systemzero_base.internal.identity import Principal
from systemzero_core.errors import AlreadyExists, Conflict, FailedPrecondition, InvalidInput
from systemzero_core.template import STRICT_POLICY, Template, next_version
from systemzero_core.template import validate as validate_template
from systemzero_core.template.infer import Inference
from systemzero_core.template.learn import MAX_CAPTURES
from systemzero_diff.digests import DELETION_KIND, VERSION_KIND, template_digest
from systemzero_diff.model import Answered, RememberedAnswer, StoredTemplate
from systemzero_diff.store import DiffStore, Transaction
from systemzero_diff.templates.sets import TemplateSets
from systemzero_diff.work.templates import Draft


class Versioned(msgspec.Struct, frozen=True):
    """A version that was stored, and what was inferred for it."""

    stored: StoredTemplate
    inferences: Sequence[Inference] = ()


def put_version(
    transaction: Transaction,
    template: Template,
    time: int,
    etag: str,
    principal: Principal,
    *,
    reason: str,
    deleted: bool = False,
) -> StoredTemplate:
    """Store a version of a `Draft`, or of what is stored, and its log entry.

    `template.version` says which. Tree, policy and required nodes were checked when the draft was
    made, which takes too long for the event loop: what is checked is what was set since.

    Raises:
        InvalidInput: the template is not valid; each violation is named.
        Conflict: the version is there already.
    """
    checked = msgspec.structs.replace(template, tree=None, required_nodes=(), policy=STRICT_POLICY)
    if violations := validate_template(checked):
        raise InvalidInput("the template is not valid", violations)
    record: dict[str, Any] = {
        "template_id": template.template_id,
        "version": template.version,
        "screen_id": template.screen_id,
        "app": template.app,
        "full_digest": template.full_signature,
        "rules": len(template.policy.rules),
        "captures": list(template.captures),
        "actor": principal.principal_id,
        "reason": reason,
        "digest": template_digest(template),
    }
    transaction.append(DELETION_KIND if deleted else VERSION_KIND, record, time)
    return transaction.put_template(template, time, etag, deleted=deleted)


class TemplateLibrary:
    """Keeps the templates of all tenants."""

    def __init__(
        self,
        store: DiffStore,
        sets: TemplateSets,
        new_id: Callable[[str], str],
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._sets = sets
        self._new_id = new_id
        self._clock = clock

    async def answered(self, tenant: str, answered: Answered) -> bytes | None:
        """The serialised answer to a request that was made before.

        Raises:
            Conflict: the request id belongs to another request.
        """
        first = await self._store.read(tenant, lambda t: t.answer(answered))
        return None if first is None else first.answer

    async def once(
        self,
        tenant: str,
        answered: Answered,
        change: Callable[[Transaction], Versioned],
        encode: Callable[[Versioned], bytes],
        *,
        deletes: bool = False,
    ) -> bytes:
        """Make a change once per request id; the serialised answer that `encode` makes.

        Raises:
            QuotaExceeded: the tenant would store more than it may, and nothing is deleted.
        """

        def job(transaction: Transaction) -> bytes:
            if (first := transaction.answer(answered)) is not None:
                return first.answer
            answer = encode(change(transaction))
            transaction.keep_answer(answered, RememberedAnswer(answer), self._clock())
            return answer

        write = self._store.write_anyhow if deletes else self._store.write
        answer = await write(tenant, job)
        self._sets.stale(tenant)
        return answer

    def learnt(
        self,
        transaction: Transaction,
        principal: Principal,
        screen_id: str,
        app: str,
        transitions: tuple[str, ...],
        lesson: Draft,
        capture_ids: tuple[str, ...],
        current: StoredTemplate | None,
    ) -> Versioned:
        """A template from what was learnt; the next version of `current`, if the screen has one.

        Raises:
            Conflict: the screen's template is not `current` any more.
        """
        found = transaction.find_screen(screen_id)
        if (found and found.etag) != (current and current.etag):
            raise Conflict(
                f"the template of screen {screen_id!r:.200} changed meanwhile; try again"
            )
        if current is None:
            base = Template(
                template_id=self._new_id("tpl"), screen_id=screen_id, app=app, version=0
            )
        else:
            base = current.template
        learned = lesson.template
        noise = learned.noise
        if noise is not None:
            noise = msgspec.structs.replace(noise, version=base.version + 1)
        parts: dict[str, Any] = {
            "tree": learned.tree,
            "structure_signature": learned.structure_signature,
            "full_signature": learned.full_signature,
            "required_nodes": learned.required_nodes,
            "policy": learned.policy,
            "captures": (*base.captures, *capture_ids)[-MAX_CAPTURES:],
            "app": app or base.app,
            "noise": noise,
            "valid_transitions": transitions or base.valid_transitions,
        }
        template = next_version(base, parts)
        return Versioned(self.put(transaction, principal, template, "learnt"), lesson.inferences)

    def created(
        self, transaction: Transaction, principal: Principal, template: Template, reason: str
    ) -> Versioned:
        """A template that was written by hand.

        Raises:
            AlreadyExists: the screen has a template already.
        """
        if transaction.find_screen(template.screen_id) is not None:
            raise AlreadyExists(f"screen {template.screen_id!r:.200} has a template already")
        made = msgspec.structs.replace(template, template_id=self._new_id("tpl"), version=1)
        return Versioned(self.put(transaction, principal, made, reason))

    def imported(
        self, transaction: Transaction, principal: Principal, template: Template
    ) -> Versioned:
        """A template from YAML: created, or the next version of the screen's."""
        current = transaction.find_screen(template.screen_id)
        if current is None:
            return self.created(transaction, principal, template, "imported")
        changes = {
            name: getattr(template, name)
            for name in template.__struct_fields__
            if name not in ("template_id", "screen_id", "version", "captures", "noise")
        }
        made = next_version(current.template, changes)
        return Versioned(self.put(transaction, principal, made, "imported"))

    def updated(
        self,
        transaction: Transaction,
        principal: Principal,
        etag: str,
        current: StoredTemplate,
        made: Template,
    ) -> Versioned:
        """The version that was made of `current`.

        Raises:
            NotFound: no such template.
            Conflict: `etag` is given and not the newest version's, or that is not `current`.
        """
        newest = self.live(transaction, current.template.template_id)
        _check_etag(etag, newest)
        _check_etag(current.etag, newest)
        return Versioned(self.put(transaction, principal, made, "updated"))

    def deleted(
        self, transaction: Transaction, principal: Principal, template_id: str, etag: str
    ) -> Versioned:
        """The version with which a template is taken out.

        Raises:
            NotFound: no such template.
            Conflict: `etag` is given and not the newest version's.
        """
        current = transaction.template(template_id)
        if current.deleted:
            return Versioned(current)
        _check_etag(etag, current)
        gone = next_version(current.template, {})
        stored = put_version(
            transaction,
            gone,
            self._clock(),
            self._new_id("etag"),
            principal,
            reason="deleted",
            deleted=True,
        )
        return Versioned(stored)

    def put(
        self, transaction: Transaction, principal: Principal, template: Template, reason: str
    ) -> StoredTemplate:
        """Store a version; see `put_version`."""
        return put_version(
            transaction,
            template,
            self._clock(),
            self._new_id("etag"),
            principal,
            reason=reason,
        )

    def live(self, transaction: Transaction, template_id: str) -> StoredTemplate:
        """The newest version of a template that is not deleted.

        Raises:
            NotFound: no such template.
            FailedPrecondition: it was deleted.
        """
        current = transaction.template(template_id)
        if current.deleted:
            raise FailedPrecondition(f"template {template_id} was deleted")
        return current


def _check_etag(etag: str, current: StoredTemplate) -> None:
    if etag and etag != current.etag:
        raise Conflict("etag: the template changed since it was read")
