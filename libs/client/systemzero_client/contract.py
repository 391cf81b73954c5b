"""What the contract says of its methods: which of them may safely be sent twice."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from google.protobuf import descriptor_pool

from systemzero.capture.v1 import capture_service_pb2
from systemzero.diff.v1 import diff_service_pb2, drift_service_pb2, template_service_pb2
from systemzero.gateway.v1 import (
    audit_service_pb2,
    auth_service_pb2,
    status_service_pb2,
    tenant_service_pb2,
)
from systemzero.log.v1 import log_service_pb2
from systemzero.policy.v1 import policy_pb2

_FILES = (
    capture_service_pb2,
    diff_service_pb2,
    drift_service_pb2,
    template_service_pb2,
    audit_service_pb2,
    auth_service_pb2,
    status_service_pb2,
    tenant_service_pb2,
    log_service_pb2,
)


class MethodName(NamedTuple):
    """A method by its service's full name and its own."""

    service: str
    method: str


@cache
def idempotent_methods() -> tuple[MethodName, ...]:
    """The methods whose access policy declares them idempotent, in the contract's order."""
    pool = descriptor_pool.Default()
    return tuple(
        MethodName(service.full_name, method.name)
        for file in _FILES
        for named in file.DESCRIPTOR.services_by_name.values()
        for service in (pool.FindServiceByName(named.full_name),)
        for method in service.methods
        for access in (method.GetOptions().Extensions[policy_pb2.access],)
        if access.idempotent and not access.internal
    )
