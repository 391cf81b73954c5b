"""Captures between the contract and the service's values. Pure."""

from __future__ import annotations

from systemzero.capture.v1 import capture_pb2, capture_service_pb2
from systemzero.diff.v1 import verdict_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_base.internal.identity import Principal
from systemzero_capture.codec.originals import decode_offered
from systemzero_capture.digests import message_digest, native_digest
from systemzero_capture.model import Arrival, Native, Sighting, StoredCapture
from systemzero_core.errors import InvalidInput
from systemzero_runtime.requests import own_request_id, request_digest
from systemzero_wire import fields
from systemzero_wire.trees import (
    decode_digest,
    decode_format,
    decode_frames,
    encode_format,
    encode_incompleteness,
    encode_signatures,
)
from systemzero_wire.unread import raw


def decode_arrival(
    principal: Principal, request: capture_service_pb2.IngestRequest, *, keeps_all: bool
) -> Arrival:
    """A capture as it comes; with `keeps_all`, native documents are kept that nobody asks to be.

    Raises:
        InvalidInput: there is no content, or a field is too long, or none of the contract's.
    """
    content, digest = _content(principal.tenant, request)
    is_offered = keeps_all or request.keep_native or bool(request.screenshot)
    offered = decode_offered(request, content) if is_offered else None
    sighting = decode_sighting(principal, request, digest)
    return Arrival(
        content=content, digest=digest, sighting=sighting, check=request.check, offered=offered
    )


def _content(
    tenant: str, request: capture_service_pb2.IngestRequest
) -> tuple[Native | bytes | None, bytes]:
    kind = request.WhichOneof("content")
    if kind == "native":
        native = decode_native(request.native)
        return native, native_digest(tenant, native)
    if kind == "tree":
        message = raw(request.tree)
        return message, message_digest(tenant, message)
    if kind == "full_digest":
        return None, decode_digest(request.full_digest, "full_digest")
    raise InvalidInput.at("content", "required: native, tree or full_digest")


def decode_native(message: tree_pb2.NativeCapture) -> Native:
    """The document in `message`.

    Raises:
        InvalidInput: the format is none of the contract's, and no name of an extension; or there
            are more frames than any page has.
    """
    form = decode_format(message, "native")
    frames = decode_frames(message, "native")
    return Native(message.data, form, message.dom or None, frames)


def decode_sighting(
    principal: Principal, request: capture_service_pb2.IngestRequest, content: bytes
) -> Sighting:
    """What the client said around the content, for which the digest `content` stands.

    Its request id is `principal`'s own.

    Raises:
        InvalidInput: a field is too long, or a time is none.
    """
    request_id = fields.request_id(request.request_id)
    time = None
    if request.HasField("capture_time"):
        time = fields.micros(request.capture_time, "capture_time")
    return Sighting(
        request_id=own_request_id(principal, request_id),
        request_digest=_digest(request, content) if request_id else b"",
        capture_time=time,
        app=fields.text(request.app, "app"),
        screen_hint=fields.text(request.screen_hint, "screen_hint"),
        session_id=fields.text(request.session_id, "session_id"),
        claimed_by_digest=request.WhichOneof("content") == "full_digest",
    )


def _digest(request: capture_service_pb2.IngestRequest, content: bytes) -> bytes:
    """The digest of the whole request; the content is large, and was hashed already."""
    if request.WhichOneof("content") == "full_digest":  # which is small: no copy is needed
        return request_digest(request, content)
    large = ("native", "tree")
    around = {field.name: value for field, value in request.ListFields() if field.name not in large}
    return request_digest(type(request)(**around), content)


def encode_capture(capture: StoredCapture, message: capture_pb2.Capture) -> None:
    """Write `capture`, without its tree, into `message`, an empty one.

    The verdict may be large: it is parsed where it belongs, and not copied from there.
    """
    known, sighting = capture.known, capture.sighting
    form, form_name = encode_format(known.format)
    message.MergeFrom(
        capture_pb2.Capture(
            capture_id=capture.capture_id,
            create_time=fields.timestamp(capture.create_time),
            app=sighting.app,
            screen_hint=sighting.screen_hint,
            session_id=sighting.session_id,
            format=form,
            format_name=form_name,
            signatures=encode_signatures(known.signatures),
            node_count=known.node_count,
            claimed_by_digest=sighting.claimed_by_digest,
            incompleteness=[
                encode_incompleteness(r.reason, r.detail) for r in known.incompleteness
            ],
        )
    )
    if sighting.capture_time is not None:
        message.capture_time.FromMicroseconds(sighting.capture_time)
    if capture.erase_time is not None:
        message.erase_time.FromMicroseconds(capture.erase_time)
    if capture.verdict:
        write_verdict(capture, message.verdict)


def write_verdict(capture: StoredCapture, message: verdict_pb2.Verdict) -> None:
    """Write the verdict given at ingest into `message`, an empty one."""
    message.MergeFromString(capture.verdict)
    if capture.event is not None:
        message.event_id, message.log_index = capture.event.event_id, capture.event.log_index


def kind_word(verdict: verdict_pb2.Verdict) -> str:
    """What a verdict says, in the domain's word."""
    return verdict_pb2.VerdictKind.Name(verdict.kind).removeprefix("VERDICT_KIND_").lower()
