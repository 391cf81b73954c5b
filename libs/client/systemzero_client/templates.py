"""Templates: learn, read, change, import and export."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Iterable, Sequence

from systemzero.diff.v1 import template_pb2, template_service_pb2_grpc
from systemzero.diff.v1 import template_service_pb2 as pb
from systemzero_client.channel import Transport
from systemzero_client.documents import Source
from systemzero_client.messages import encode_source
from systemzero_core.errors import FieldViolation


class Templates:
    """TemplateService. Wherever a template's id is taken to read it, its screen id is, too."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._stub = template_service_pb2_grpc.TemplateServiceStub(transport.channel)

    async def learn(
        self,
        screen_id: str,
        captures: Iterable[Source],
        *,
        app: str = "",
        valid_transitions: Sequence[str] = (),
        request_id: str = "",
    ) -> template_pb2.Template:
        """Learn a template, or a new version of it, from 1 to 50 good captures of one screen."""
        request = pb.LearnTemplateRequest(
            request_id=request_id or uuid.uuid4().hex,
            screen_id=screen_id,
            captures=map(encode_source, captures),
            app=app,
            valid_transitions=valid_transitions,
        )
        response = await self._transport.unary(self._stub.LearnTemplate, request)
        return _template(response)

    async def create(
        self, template: template_pb2.Template, *, request_id: str = ""
    ) -> template_pb2.Template:
        """Create a template from its parts."""
        request = pb.CreateTemplateRequest(
            request_id=request_id or uuid.uuid4().hex, template=template
        )
        return _template(await self._transport.unary(self._stub.CreateTemplate, request))

    async def get(self, template_id: str, *, version: int = 0) -> template_pb2.Template:
        """One version of a template; 0 is the newest."""
        request = pb.GetTemplateRequest(template_id=template_id, version=version)
        return _template(await self._transport.unary(self._stub.GetTemplate, request))

    async def list(
        self, *, app: str = "", page_size: int = 200
    ) -> AsyncGenerator[template_pb2.Template]:
        """Every template in its newest version, without its tree, by screen id."""
        request = pb.ListTemplatesRequest(app=app, page_size=page_size)
        async for template in self._transport.pages(self._stub.ListTemplates, request, "templates"):
            yield template

    async def update(
        self, template: template_pb2.Template, fields: Sequence[str], *, request_id: str = ""
    ) -> template_pb2.Template:
        """Make a new version in which `fields` are those of `template`.

        With the template's `etag` set, the update is refused (CONFLICT) if somebody was faster.
        """
        request = pb.UpdateTemplateRequest(
            request_id=request_id or uuid.uuid4().hex, template=template
        )
        request.update_mask.paths.extend(fields)
        return _template(await self._transport.unary(self._stub.UpdateTemplate, request))

    async def delete(self, template_id: str, *, etag: str = "") -> None:
        """Take a template out of matching; its versions stay readable.

        With the template's `etag`, the deletion is refused (CONFLICT) if somebody was faster.
        """
        request = pb.DeleteTemplateRequest(template_id=template_id, etag=etag)
        await self._transport.unary(self._stub.DeleteTemplate, request)

    async def import_yaml(self, yaml: bytes, *, request_id: str = "") -> template_pb2.Template:
        """Create a template, or a new version, from YAML."""
        request = pb.ImportTemplateRequest(request_id=request_id or uuid.uuid4().hex, yaml=yaml)
        return _template(await self._transport.unary(self._stub.ImportTemplate, request))

    async def export_yaml(self, template_id: str, *, version: int = 0) -> bytes:
        """A template as YAML that `import_yaml` reads back to the same."""
        request = pb.ExportTemplateRequest(template_id=template_id, version=version)
        response = await self._transport.unary(self._stub.ExportTemplate, request)
        yaml: bytes = response.yaml
        return yaml

    async def validate(self, yaml: bytes) -> tuple[FieldViolation, ...]:
        """Everything that is wrong with a template's YAML; empty for a valid one."""
        request = pb.ValidateTemplateRequest(yaml=yaml)
        response = await self._transport.unary(self._stub.ValidateTemplate, request)
        return tuple(FieldViolation(v.field, v.description) for v in response.violations)


def _template(response: object) -> template_pb2.Template:
    template: template_pb2.Template = response.template  # type: ignore[attr-defined]
    return template
