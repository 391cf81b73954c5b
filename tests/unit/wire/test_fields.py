"""Checks of request fields, times, and the digest of a request."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_pb2
from systemzero_core.errors import InvalidInput
from systemzero_runtime.requests import DIGEST_BYTES, request_digest
from systemzero_wire import fields

FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999


@given(st.integers(FIRST, LAST))
def test_times_come_back_as_they_went(micros: int) -> None:
    assert fields.micros(fields.timestamp(micros), "t") == micros


@pytest.mark.parametrize(
    "time",
    [
        Timestamp(seconds=253_402_300_800),
        Timestamp(seconds=-62_135_596_801),
        Timestamp(nanos=-1),
        Timestamp(nanos=1_000_000_000),
    ],
)
def test_times_that_are_none_are_named(time: Timestamp) -> None:
    with pytest.raises(InvalidInput) as caught:
        fields.micros(time, "expire_time")
    assert caught.value.violations[0].field == "expire_time"


@given(st.text(st.characters(exclude_characters="\0"), max_size=210), st.integers(0, 3))
def test_texts_are_counted_in_characters(value: str, least: int) -> None:
    if least <= len(value) <= 200:
        assert fields.text(value, "app", least=least) == value
        return
    with pytest.raises(InvalidInput) as caught:
        fields.text(value, "app", least=least)
    assert [violation.field for violation in caught.value.violations] == ["app"]


@pytest.mark.parametrize(("asked", "size"), [(0, 50), (1, 1), (1_000, 1_000)])
def test_pages_have_a_size(asked: int, size: int) -> None:
    assert fields.page_size(asked) == size


@pytest.mark.parametrize("asked", [-1, 1_001, 2**31 - 1])
def test_pages_of_other_sizes_are_refused(asked: int) -> None:
    with pytest.raises(InvalidInput):
        fields.page_size(asked)


def test_a_request_id_is_short() -> None:
    assert fields.request_id("a" * 100) == "a" * 100
    with pytest.raises(InvalidInput):
        fields.request_id("a" * 101)


def test_equal_requests_have_one_digest_and_others_another() -> None:
    one = drift_pb.RejectEventRequest(request_id="r", event_id="e")
    same = drift_pb.RejectEventRequest(event_id="e", request_id="r")
    assert request_digest(one) == request_digest(same)
    assert len(request_digest(one)) == DIGEST_BYTES
    others = [
        drift_pb.RejectEventRequest(request_id="r", event_id="f"),
        drift_pb.SnoozeEventRequest(request_id="r", event_id="e"),
        drift_pb.RejectEventRequest(request_id="r", event_id="e", reason="x"),
        capture_pb.IngestRequest(request_id="r"),
    ]
    assert len({request_digest(request) for request in (one, *others)}) == 5


def test_the_order_of_a_map_does_not_matter() -> None:
    names = [f"k{n}" for n in range(50)]
    one = template_pb2.Template(metadata=dict.fromkeys(names, "v"))
    two = template_pb2.Template(metadata=dict.fromkeys(reversed(names), "v"))
    assert request_digest(one) == request_digest(two)


def test_a_text_with_a_nul_is_refused_by_field() -> None:
    with pytest.raises(InvalidInput) as caught:
        fields.text("a\0b", "app")
    assert caught.value.violations[0].field == "app"
