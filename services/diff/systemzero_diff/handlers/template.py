"""TemplateService."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from systemzero.diff.v1 import template_pb2, template_service_pb2_grpc
from systemzero.diff.v1 import template_service_pb2 as pb
from systemzero.errors.v1 import errors_pb2
from systemzero_chassis import fields
from systemzero_chassis.identity import current_principal
from systemzero_chassis.ids import PageTokens
from systemzero_core.drift import Detector
from systemzero_core.errors import InvalidInput
from systemzero_core.redaction import Rules, redact
from systemzero_core.template import Template, from_yaml, to_yaml, violations_of
from systemzero_diff.codec import templates as codec
from systemzero_diff.handlers.common import answered
from systemzero_diff.learn import Librarian, Versioned, learn_from
from systemzero_diff.model import Answered
from systemzero_diff.sources import TreeSources
from systemzero_diff.store import DiffStore

_MAX_CAPTURES = 50
_NO_REQUEST_ID = Answered("", b"")


class TemplateServicer(template_service_pb2_grpc.TemplateServiceServicer):
    """See the contract for what each method does."""

    def __init__(
        self,
        librarian: Librarian,
        store: DiffStore,
        sources: TreeSources,
        tokens: PageTokens,
        detectors: Sequence[Detector],
    ) -> None:
        self._librarian = librarian
        self._store = store
        self._sources = sources
        self._tokens = tokens
        self._detectors = detectors

    async def LearnTemplate(
        self, request: pb.LearnTemplateRequest, context: Any
    ) -> pb.LearnTemplateResponse:
        principal = current_principal()
        screen = fields.text(request.screen_id, "screen_id", least=1)
        app = fields.text(request.app, "app")
        if not 1 <= len(request.captures) <= _MAX_CAPTURES:
            raise InvalidInput.at("captures", f"1 to {_MAX_CAPTURES} are needed")
        # before the captures are asked for: they may have been erased since
        if first := await self._librarian.answered(principal.tenant, answered(request)):
            return pb.LearnTemplateResponse.FromString(first)
        captures = [
            await self._sources.resolve(principal, source, f"captures[{i}]", hold=True)
            for i, source in enumerate(request.captures)
        ]
        current = await self._store.read(principal.tenant, lambda t: t.find_screen(screen))
        lesson = await self._sources.off_loop(
            lambda: learn_from(captures, current, self._detectors)
        )
        ids = tuple(source.capture_id for source in captures if source.capture_id)
        transitions = tuple(request.valid_transitions)
        answer = await self._librarian.once(
            principal.tenant,
            answered(request),
            lambda t: self._librarian.learnt(
                t, principal, screen, app, transitions, lesson, ids, current
            ),
            _answer(pb.LearnTemplateResponse),
        )
        return pb.LearnTemplateResponse.FromString(answer)

    async def CreateTemplate(
        self, request: pb.CreateTemplateRequest, context: Any
    ) -> pb.CreateTemplateResponse:
        principal = current_principal()
        rules = self._sources.rules_of(principal.tenant)
        template = await self._sources.off_loop(lambda: _decode(request.template, rules))
        answer = await self._librarian.once(
            principal.tenant,
            answered(request),
            lambda t: self._librarian.created(t, principal, template, "created"),
            _answer(pb.CreateTemplateResponse),
        )
        return pb.CreateTemplateResponse.FromString(answer)

    async def GetTemplate(
        self, request: pb.GetTemplateRequest, context: Any
    ) -> pb.GetTemplateResponse:
        stored = await self._get(request)
        return pb.GetTemplateResponse(template=codec.encode_template(stored))

    async def ListTemplates(
        self, request: pb.ListTemplatesRequest, context: Any
    ) -> pb.ListTemplatesResponse:
        tenant = current_principal().tenant
        size = fields.page_size(request.page_size)
        app = fields.text(request.app, "app")
        scope = f"templates\n{tenant}\n{app}"
        position = self._tokens.open(scope, request.page_token)
        after = str(position[0]) if position else ""
        found = await self._store.read(tenant, lambda t: t.templates(after, size + 1, app))
        page = found[:size]
        more = len(found) > size
        return pb.ListTemplatesResponse(
            templates=[codec.encode_template(s, with_tree=False) for s in page],
            next_page_token=self._tokens.seal(scope, page[-1].template.screen_id) if more else "",
        )

    async def UpdateTemplate(
        self, request: pb.UpdateTemplateRequest, context: Any
    ) -> pb.UpdateTemplateResponse:
        principal = current_principal()
        rules = self._sources.rules_of(principal.tenant)
        template_id = fields.text(request.template.template_id, "template.template_id", least=1)
        etag = fields.text(request.template.etag, "template.etag")
        changes = await self._sources.off_loop(lambda: _changes(request, rules))
        answer = await self._librarian.once(
            principal.tenant,
            answered(request),
            lambda t: self._librarian.updated(t, principal, template_id, etag, changes),
            _answer(pb.UpdateTemplateResponse),
        )
        return pb.UpdateTemplateResponse.FromString(answer)

    async def DeleteTemplate(
        self, request: pb.DeleteTemplateRequest, context: Any
    ) -> pb.DeleteTemplateResponse:
        principal = current_principal()
        template_id = fields.text(request.template_id, "template_id", least=1)
        etag = fields.text(request.etag, "etag")
        await self._librarian.once(
            principal.tenant,
            _NO_REQUEST_ID,  # a template that was deleted stays so
            lambda t: self._librarian.deleted(t, principal, template_id, etag),
            lambda _versioned: b"",
            deletes=True,
        )
        return pb.DeleteTemplateResponse()

    async def ImportTemplate(
        self, request: pb.ImportTemplateRequest, context: Any
    ) -> pb.ImportTemplateResponse:
        principal = current_principal()
        rules = self._sources.rules_of(principal.tenant)
        template = await self._sources.off_loop(lambda: _imported(request.yaml, rules))
        answer = await self._librarian.once(
            principal.tenant,
            answered(request),
            lambda t: self._librarian.imported(t, principal, template),
            _answer(pb.ImportTemplateResponse),
        )
        return pb.ImportTemplateResponse.FromString(answer)

    async def ExportTemplate(
        self, request: pb.ExportTemplateRequest, context: Any
    ) -> pb.ExportTemplateResponse:
        template = (await self._get(request)).template
        return pb.ExportTemplateResponse(
            yaml=await self._sources.off_loop(lambda: to_yaml(template))
        )

    async def ValidateTemplate(
        self, request: pb.ValidateTemplateRequest, context: Any
    ) -> pb.ValidateTemplateResponse:
        violations = await self._sources.off_loop(lambda: violations_of(request.yaml))
        return pb.ValidateTemplateResponse(
            violations=[
                errors_pb2.FieldViolation(field=v.field, description=v.description)
                for v in violations
            ]
        )

    async def _get(self, request: pb.GetTemplateRequest | pb.ExportTemplateRequest) -> Any:
        name = fields.text(request.template_id, "template_id", least=1)
        if request.version < 0:
            raise InvalidInput.at("version", "must not be negative")
        tenant = current_principal().tenant
        return await self._store.read(tenant, lambda t: t.template(name, request.version))


def _answer(response: Callable[..., Any]) -> Callable[[Versioned], bytes]:
    """Encodes a version as the serialised `response` with its inferences."""

    def encode(versioned: Versioned) -> bytes:
        template = codec.encode_template(versioned.stored, with_tree=False)
        template.inferences.extend(
            template_pb2.Inference(sentence=i.sentence, support=i.support, total=i.total)
            for i in versioned.inferences
        )
        serialised: bytes = response(template=template).SerializeToString()
        return serialised

    return encode


def _imported(yaml: bytes, rules: Rules) -> Template:
    """The template in `yaml`; what somebody typed while it was written is no part of it."""
    template = from_yaml(yaml)
    if template.tree is None:
        return template
    return msgspec.structs.replace(template, tree=redact(template.tree, rules).tree)


def _decode(message: template_pb2.Template, rules: Rules) -> Template:
    return Template(
        template_id="",
        screen_id=fields.text(message.screen_id, "template.screen_id", least=1),
        app=fields.text(message.app, "template.app"),
        tree=codec.decode_baseline(message, rules),
        required_nodes=codec.decode_selectors(message.required_nodes),
        policy=codec.decode_policy(message.policy),
        valid_transitions=tuple(message.valid_transitions),
        metadata=dict(message.metadata),
    )


def _changes(request: pb.UpdateTemplateRequest, rules: Rules) -> dict[str, Any]:
    message = request.template
    decoders: dict[str, Callable[[], Any]] = {
        "tree": lambda: codec.decode_baseline(message, rules),
        "required_nodes": lambda: codec.decode_selectors(message.required_nodes),
        "policy": lambda: codec.decode_policy(message.policy),
        "valid_transitions": lambda: tuple(message.valid_transitions),
        "metadata": lambda: dict(message.metadata),
        "app": lambda: fields.text(message.app, "template.app"),
    }
    paths = request.update_mask.paths
    if not paths:
        raise InvalidInput.at("update_mask", "required: name the fields to change")
    for path in paths:
        if path not in decoders:
            raise InvalidInput.at("update_mask", f"{path!r} can't be changed")
    return {path: decoders[path]() for path in paths}
