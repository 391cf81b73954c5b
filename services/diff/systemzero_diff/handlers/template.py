"""TemplateService: learns, edits, lists, imports and exports templates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from systemzero.diff.v1 import template_pb2, template_service_pb2_grpc
from systemzero.diff.v1 import template_service_pb2 as pb
from systemzero.errors.v1 import errors_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_base.ids import PageTokens
from systemzero_base.internal.identity import current_principal
from systemzero_base.lanes.dispatch import MEMORY_FACTOR
from systemzero_base.lanes.worker import Function
from systemzero_base.pages import page_of
from systemzero_core.errors import InvalidInput
from systemzero_core.formats import own
from systemzero_diff.codec import templates as codec
from systemzero_diff.handlers.common import answered
from systemzero_diff.intake.sources import TreeSources
from systemzero_diff.model import Answered
from systemzero_diff.store import DiffStore
from systemzero_diff.templates.library import TemplateLibrary, Versioned
from systemzero_diff.work import templates as work
from systemzero_diff.work.packed import ListedTemplate, Packed
from systemzero_diff.work.templates import Draft
from systemzero_diff.work.unlike import COMPARED
from systemzero_wire import fields
from systemzero_wire.unread import each_unread

_MAX_CAPTURES = 50
"""A byte of a message may hold as much to be read as so many of own tree JSON."""
_YAML = 32
"""The same of a byte of YAML, which is read slowly."""
_FIELDS = 2
"""The same of a byte of a template's fields as they are stored."""
_LEARNING = 4
"""Learning reads, compares and judges: so many times the memory that reading takes."""
_NO_REQUEST_ID = Answered("", b"")


class _Listed(NamedTuple):
    """A template in a list: its screen, and a serialised response with it alone."""

    screen_id: str
    told: bytes


class TemplateServicer(template_service_pb2_grpc.TemplateServiceServicer):
    """See the contract for what each method does."""

    def __init__(
        self,
        library: TemplateLibrary,
        store: DiffStore,
        sources: TreeSources,
        tokens: PageTokens,
    ) -> None:
        self._library = library
        self._store = store
        self._sources = sources
        self._tokens = tokens

    async def LearnTemplate(
        self, request: pb.LearnTemplateRequest, context: Any
    ) -> pb.LearnTemplateResponse:
        principal = current_principal()
        screen = fields.text(request.screen_id, "screen_id", least=1)
        app = fields.text(request.app, "app")
        if not 1 <= len(request.captures) <= _MAX_CAPTURES:
            raise InvalidInput.at("captures", f"1 to {_MAX_CAPTURES} are needed")
        sources = each_unread(tree_pb2.TreeSource, request.captures, "captures", _MAX_CAPTURES)
        # before the captures are asked for: they may have been erased since
        if first := await self._library.answered(principal.tenant, answered(request)):
            return pb.LearnTemplateResponse.FromString(first)
        captures = await self._sources.fetch_all(principal, sources, "captures")
        tenant = principal.tenant
        current = await self._store.read(tenant, lambda t: t.find_screen(screen))
        known = None if current is None else Packed.of(current.template)
        # each is compared with others, and judged by what they taught
        size = sum(each.size for each in captures) + (known.size if known else 0)
        memory, size = _LEARNING * MEMORY_FACTOR * size, COMPARED * size
        lesson = await self._drafted(
            tenant, size, work.learnt, captures, screen, known, memory=memory
        )
        ids = tuple(source.capture_id for source in captures if source.capture_id)
        transitions = tuple(request.valid_transitions)
        answer = await self._library.once(
            principal.tenant,
            answered(request),
            lambda t: self._library.learnt(
                t, principal, screen, app, transitions, lesson, ids, current
            ),
            _answer(pb.LearnTemplateResponse, lesson),
        )
        return pb.LearnTemplateResponse.FromString(answer)

    async def CreateTemplate(
        self, request: pb.CreateTemplateRequest, context: Any
    ) -> pb.CreateTemplateResponse:
        principal = current_principal()
        serialised = request.template.SerializeToString()
        size = own.TERSEST * len(serialised)
        draft = await self._drafted(principal.tenant, size, work.created, serialised)
        answer = await self._library.once(
            principal.tenant,
            answered(request),
            lambda t: self._library.created(t, principal, draft.template, "created"),
            _answer(pb.CreateTemplateResponse, draft),
        )
        return pb.CreateTemplateResponse.FromString(answer)

    async def GetTemplate(self, request: pb.GetTemplateRequest, context: Any) -> Any:
        stored = await self._get(request)
        packed = Packed.of(stored.template)
        bare = msgspec.structs.replace(stored.template, tree=None)
        told = msgspec.structs.replace(stored, template=bare)
        return await self._do(packed.size, work.answered, told, packed)

    async def ListTemplates(self, request: pb.ListTemplatesRequest, context: Any) -> Any:
        tenant = current_principal().tenant
        size = fields.page_size(request.page_size)
        app = fields.text(request.app, "app")
        scope = f"templates\n{tenant}\n{app}"
        position = self._tokens.open(scope, request.page_token)
        start = str(position[0]) if position else ""

        async def following(last: _Listed | None, count: int) -> Sequence[_Listed]:
            after = last.screen_id if last else start
            found = await self._store.read(tenant, lambda t: t.templates(after, count, app))
            return list(map(_Listed, (each.screen_id for each in found), await self._told(found)))

        page, more = await page_of(following, size, lambda listed: len(listed.told))
        token = self._tokens.seal(scope, page[-1].screen_id) if more else ""
        end = pb.ListTemplatesResponse(next_page_token=token).SerializeToString()
        # serialised messages that follow each other are one
        return b"".join((*(listed.told for listed in page), end))

    async def _told(self, found: Sequence[ListedTemplate]) -> list[bytes]:
        tenant, sizes = current_principal().tenant, [len(each.body) for each in found]
        memory = _FIELDS * MEMORY_FACTOR * max(sizes, default=0)
        size, do = _FIELDS * sum(sizes), self._sources.lanes.do
        told: list[bytes] = msgspec.msgpack.decode(
            await do(tenant, size, work.listed, found, memory=memory)
        )
        return told

    async def UpdateTemplate(
        self, request: pb.UpdateTemplateRequest, context: Any
    ) -> pb.UpdateTemplateResponse:
        principal = current_principal()
        tenant = principal.tenant
        template_id = fields.text(request.template.template_id, "template.template_id", least=1)
        etag = fields.text(request.template.etag, "template.etag")
        if first := await self._library.answered(tenant, answered(request)):
            return pb.UpdateTemplateResponse.FromString(first)
        current = await self._store.read(tenant, lambda t: self._library.live(t, template_id))
        serialised, known = request.SerializeToString(), Packed.of(current.template)
        size = own.TERSEST * len(serialised) + known.size
        draft = await self._drafted(tenant, size, work.updated, serialised, known)
        answer = await self._library.once(
            principal.tenant,
            answered(request),
            lambda t: self._library.updated(t, principal, etag, current, draft.template),
            _answer(pb.UpdateTemplateResponse, draft),
        )
        return pb.UpdateTemplateResponse.FromString(answer)

    async def DeleteTemplate(
        self, request: pb.DeleteTemplateRequest, context: Any
    ) -> pb.DeleteTemplateResponse:
        principal = current_principal()
        template_id = fields.text(request.template_id, "template_id", least=1)
        etag = fields.text(request.etag, "etag")
        await self._library.once(
            principal.tenant,
            _NO_REQUEST_ID,  # a template that was deleted stays so
            lambda t: self._library.deleted(t, principal, template_id, etag),
            lambda _versioned: b"",
            deletes=True,
        )
        return pb.DeleteTemplateResponse()

    async def ImportTemplate(
        self, request: pb.ImportTemplateRequest, context: Any
    ) -> pb.ImportTemplateResponse:
        principal = current_principal()
        size = _YAML * len(request.yaml)
        draft = await self._drafted(principal.tenant, size, work.imported, request.yaml)
        answer = await self._library.once(
            principal.tenant,
            answered(request),
            lambda t: self._library.imported(t, principal, draft.template),
            _answer(pb.ImportTemplateResponse, draft),
        )
        return pb.ImportTemplateResponse.FromString(answer)

    async def ExportTemplate(
        self, request: pb.ExportTemplateRequest, context: Any
    ) -> pb.ExportTemplateResponse:
        packed = Packed.of((await self._get(request)).template)
        yaml = await self._do(_YAML * packed.size, work.exported, packed)
        return pb.ExportTemplateResponse(yaml=yaml)

    async def ValidateTemplate(
        self, request: pb.ValidateTemplateRequest, context: Any
    ) -> pb.ValidateTemplateResponse:
        found = await self._do(_YAML * len(request.yaml), work.violations, request.yaml)
        violations: list[tuple[str, str]] = msgspec.msgpack.decode(found)
        return pb.ValidateTemplateResponse(
            violations=[
                errors_pb2.FieldViolation(field=field, description=description)
                for field, description in violations
            ]
        )

    async def _drafted(
        self, tenant: str, size: int, function: Function, *arguments: Any, memory: int = 0
    ) -> Draft:
        """What `function` makes; after the first argument it is told the tenant's secrets."""
        first, *others = arguments
        told = self._sources.told(tenant)
        do = self._sources.lanes.do
        done = await do(tenant, size, function, first, told, *others, memory=memory)
        return Draft.decoded(done)

    async def _do(self, size: int, function: Function, *arguments: Any) -> bytes:
        tenant = current_principal().tenant
        return await self._sources.lanes.do(tenant, size, function, *arguments)

    async def _get(self, request: pb.GetTemplateRequest | pb.ExportTemplateRequest) -> Any:
        name = fields.text(request.template_id, "template_id", least=1)
        if request.version < 0:
            raise InvalidInput.at("version", "must not be negative")
        tenant = current_principal().tenant
        return await self._store.read(tenant, lambda t: t.template(name, request.version))


def _answer(response: Callable[..., Any], draft: Draft) -> Callable[[Versioned], bytes]:
    """Encodes the version made of `draft` as the serialised `response` with its inferences."""

    def encode(versioned: Versioned) -> bytes:
        template = codec.encode_template_around(versioned.stored)
        template.MergeFromString(draft.told)
        template.inferences.extend(
            template_pb2.Inference(sentence=i.sentence, support=i.support, total=i.total)
            for i in versioned.inferences
        )
        serialised: bytes = response(template=template).SerializeToString()
        return serialised

    return encode
