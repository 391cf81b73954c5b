"""Who calls the internal methods of the contract, as their policies say it."""

from __future__ import annotations

from functools import cache

from google.protobuf import descriptor_pool

from systemzero.policy.v1 import policy_pb2


@cache  # every call asks
def callers_of(method: str) -> frozenset[str] | None:
    """The services that may call an internal method; None of one that is not internal.

    `method` is a path, such as `/systemzero.diff.v1.JudgementService/JudgeCapture`.
    """
    try:
        found = descriptor_pool.Default().FindMethodByName(method[1:].replace("/", "."))
    except KeyError:
        return None
    access = found.GetOptions().Extensions[policy_pb2.access]
    return frozenset(access.callers) if access.internal else None
