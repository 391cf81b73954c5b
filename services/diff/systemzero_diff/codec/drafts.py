"""What clients want of a template's new version, and templates told; all of it serialised."""

from __future__ import annotations

from typing import Any

from systemzero.diff.v1 import template_pb2
from systemzero.diff.v1 import template_service_pb2 as pb
from systemzero_core.errors import InvalidInput
from systemzero_core.redaction import Rules
from systemzero_core.template import Template
from systemzero_diff.codec import templates as codec
from systemzero_diff.model import StoredTemplate
from systemzero_wire import fields
from systemzero_wire.unread import read_as


def decode_template(template: bytes, rules: Rules) -> Template:
    """A serialised template that was written by hand, without secrets; it has no id yet.

    Raises:
        InvalidInput, TooLarge: a field is missing, too long, or none of the contract's.
    """
    message = read_as(template_pb2.Template, template, "template")
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


def decode_changes(request: bytes, rules: Rules) -> dict[str, Any]:
    """The fields of a template that a serialised UpdateTemplateRequest changes, by name.

    Raises:
        InvalidInput, TooLarge: it names none, one that can't be changed, or one that is not valid.
    """
    read = read_as(pb.UpdateTemplateRequest, request, "template")
    message, paths = read.template, read.update_mask.paths
    decoders: dict[str, Any] = {
        "tree": lambda: codec.decode_baseline(message, rules),
        "required_nodes": lambda: codec.decode_selectors(message.required_nodes),
        "policy": lambda: codec.decode_policy(message.policy),
        "valid_transitions": lambda: tuple(message.valid_transitions),
        "metadata": lambda: dict(message.metadata),
        "app": lambda: fields.text(message.app, "template.app"),
    }
    if not paths:
        raise InvalidInput.at("update_mask", "required: name the fields to change")
    for path in paths:
        if path not in decoders:
            raise InvalidInput.at("update_mask", f"{path!r} can't be changed")
    return {path: decoders[path]() for path in paths}


def encode_answer(stored: StoredTemplate) -> bytes:
    """A serialised GetTemplateResponse."""
    return pb.GetTemplateResponse(template=codec.encode_template(stored)).SerializeToString()


def encode_listed(stored: StoredTemplate) -> bytes:
    """A serialised ListTemplatesResponse of one template, without its tree."""
    message = codec.encode_template(stored, with_tree=False)
    return pb.ListTemplatesResponse(templates=[message]).SerializeToString()


def encode_selecting(template: Template) -> bytes:
    """A serialised Template with nothing but what may be many thousand selectors."""
    return codec.encode_selecting(template).SerializeToString()
