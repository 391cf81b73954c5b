"""What the servicers share."""

from __future__ import annotations

from typing import Any

from systemzero_base.internal.identity import current_principal
from systemzero_diff.model import Answered
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
