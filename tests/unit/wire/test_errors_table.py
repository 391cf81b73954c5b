"""Every domain error has its code and its reason, and nothing known is UNKNOWN or INTERNAL."""

from __future__ import annotations

import importlib
import pkgutil

import grpc
import pytest
from google.rpc import error_details_pb2

import systemzero_admin
import systemzero_base
import systemzero_capture
import systemzero_core
import systemzero_diff
import systemzero_evidence
import systemzero_gateway
import systemzero_runtime
import systemzero_storage
import systemzero_wire
from systemzero.errors.v1 import errors_pb2
from systemzero_core.errors import (
    DomainError,
    FieldViolation,
    InvalidInput,
    Overloaded,
    RateLimited,
)
from systemzero_evidence.log import LogDiverged
from systemzero_storage.sealing.keys import KeyLost
from systemzero_wire.errors import ERROR_DOMAIN, code_of, to_failure, to_status


def known() -> list[type[DomainError]]:
    for package in (
        systemzero_core,
        systemzero_admin,
        systemzero_base,
        systemzero_evidence,
        systemzero_runtime,
        systemzero_storage,
        systemzero_wire,
        systemzero_capture,
        systemzero_diff,
        systemzero_gateway,
    ):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found, left = [], [DomainError]
    while left:
        children = left.pop().__subclasses__()
        found += children
        left += children
    return sorted(set(found), key=lambda cls: cls.__name__)


def made(cls: type[DomainError]) -> DomainError:
    if issubclass(cls, RateLimited | Overloaded):
        return cls("x", retry_after=1.5)
    if issubclass(cls, LogDiverged | KeyLost):
        return cls("tenant", "what")
    return cls("x")


@pytest.mark.parametrize("cls", known(), ids=lambda cls: cls.__name__)
def test_every_known_error_has_a_code_and_a_reason(cls: type[DomainError]) -> None:
    error = made(cls)
    assert code_of(error) not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
    assert f"ERROR_REASON_{cls.reason}" in errors_pb2.ErrorReason.keys()  # noqa: SIM118
    failure, status = to_failure(error), to_status(error)
    assert failure.code == status.code == code_of(error).value[0]
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == (cls.reason, ERROR_DOMAIN)


def test_there_are_errors_to_look_at() -> None:
    assert len(known()) > 18


def test_what_is_not_known_is_sent_without_its_text() -> None:
    error = RuntimeError("secret-internal-text")
    assert code_of(error) is grpc.StatusCode.INTERNAL
    assert "secret" not in str(to_status(error)) + str(to_failure(error))


def test_bad_input_names_its_fields() -> None:
    error = InvalidInput("two things", [FieldViolation("a", "is b"), FieldViolation("c", "is d")])
    bad = error_details_pb2.BadRequest()
    assert to_status(error).details[1].Unpack(bad)
    sent = [(v.field, v.description) for v in bad.field_violations]
    assert sent == [("a", "is b"), ("c", "is d")]
    assert [v.field for v in to_failure(error).violations] == ["a", "c"]


def test_a_limit_says_when_to_try_again() -> None:
    error = RateLimited("slowly", retry_after=1.5, metadata={"subject": "tenant"})
    retry, quota = error_details_pb2.RetryInfo(), error_details_pb2.QuotaFailure()
    _, packed_retry, packed_quota = to_status(error).details
    assert packed_retry.Unpack(retry)
    assert retry.retry_delay.ToNanoseconds() == 1_500_000_000
    assert packed_quota.Unpack(quota)
    assert quota.violations[0].subject == "tenant"


def test_shed_load_says_when_to_try_again_and_blames_no_quota() -> None:
    _, packed = to_status(Overloaded("busy", retry_after=0.25)).details
    retry = error_details_pb2.RetryInfo()
    assert packed.Unpack(retry)
    assert retry.retry_delay.ToNanoseconds() == 250_000_000
