"""What the servicers share."""

from __future__ import annotations

from typing import Any

from systemzero_chassis import fields
from systemzero_chassis.requests import request_digest
from systemzero_diff.model import Answered


def answered(request: Any) -> Answered:
    """The request's id and digest; an empty id means that every call is a new one.

    Raises:
        InvalidInput: the id is too long.
    """
    request_id = fields.request_id(request.request_id)
    return Answered(request_id, request_digest(request) if request_id else b"")
