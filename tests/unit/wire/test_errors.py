"""What a failure looks like on the wire, however much the input that it is about holds."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2

from systemzero_core.errors import DomainError, FieldViolation, InvalidInput, NotFound
from systemzero_wire.errors import to_failure, to_status

CLIENT_TAKES = 8_192
"""Bytes of metadata that every gRPC client takes, by its default."""

LARGE = [
    NotFound("x" * 100_000),
    NotFound("\u20ac" * 100_000),
    NotFound("\x00" * 100_000, metadata={"id": "\U0001f600" * 10_000}),
    InvalidInput.at("f" * 50_000, "d" * 50_000),
    InvalidInput("many", [FieldViolation(f"nodes[{i}]", "€" * 300) for i in range(5_000)]),
    InvalidInput("many", [FieldViolation("", "") for _ in range(100_000)]),
]


@pytest.mark.parametrize("error", LARGE)
def test_a_status_fits_into_the_trailers_that_clients_take(error: DomainError) -> None:
    status = to_status(error)
    escaped = sum(1 if 32 <= byte < 127 else 3 for byte in status.message.encode())
    assert escaped + status.ByteSize() * 4 // 3 < CLIENT_TAKES - 500


def test_what_has_room_is_sent_whole_and_the_rest_is_counted() -> None:
    violations = [FieldViolation(f"nodes[{i}].parent", "is no node") for i in range(1_000)]
    for sent in (_bad_request(InvalidInput("1,000 problems", violations)),
                 to_failure(InvalidInput("1,000 problems", violations)).violations):  # fmt: skip
        assert [(v.field, v.description) for v in sent[:-1]] == violations[: len(sent) - 1]
        assert sent[-1].description == f"and {1_000 - len(sent) + 1} more"
        assert len(sent) > 50


def test_a_text_that_protobuf_cannot_hold_is_still_an_answer() -> None:
    assert to_status(NotFound("half of \ud83d")).message == "half of ?"


def test_an_unknown_error_says_nothing_of_itself() -> None:
    assert to_status(DecodeError("secret")).message == "internal error"


def _bad_request(error: InvalidInput) -> list[error_details_pb2.BadRequest.FieldViolation]:
    found = error_details_pb2.BadRequest()
    assert any(detail.Unpack(found) for detail in to_status(error).details)
    return list(found.field_violations)
