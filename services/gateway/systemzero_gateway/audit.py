"""What the gateway decided, for whoever has to account for it. Never with secrets or bodies."""

from __future__ import annotations

import structlog

from systemzero_gateway.caller import Caller


class Audit:
    """Writes one line `audit` a decision."""

    def __init__(self, logger: structlog.typing.FilteringBoundLogger) -> None:
        self._logger = logger

    def record(
        self, method: str, address: str, caller: Caller | None, decision: str, reason: str = ""
    ) -> None:
        """`decision` is `allowed`, `denied` or `failed`; `reason` is one of the contract's."""
        self._logger.info(
            "audit",
            rpc_method=method,
            address=address,
            tenant=caller.principal.tenant if caller else "",
            principal=caller.principal.principal_id if caller else "",
            decision=decision,
            reason=reason,
        )
