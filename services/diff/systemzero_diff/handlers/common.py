"""What the servicers share: the request id of a call, and the verdict that its span names."""

from __future__ import annotations

from typing import Any

from systemzero_base.internal.identity import current_principal
from systemzero_base.telemetry.observed import note_verdict
from systemzero_diff.codec.judging import kind_name
from systemzero_diff.model import Answered, Checked, Needs
from systemzero_runtime.requests import own_request_id, request_digest
from systemzero_wire import fields


def answered(request: Any) -> Answered:
    """The request's id, which is its principal's own, and digest; without, every call is a new one.

    Raises:
        InvalidInput: the id is too long.
    """
    request_id = fields.request_id(request.request_id)
    own = own_request_id(current_principal(), request_id)
    return Answered(own, request_digest(request) if request_id else b"")


def note(checked: Checked | Needs) -> None:
    """Have the call's span and log record say its verdict, if it has one."""
    if isinstance(checked, Checked):
        note_verdict(kind_name(checked))
