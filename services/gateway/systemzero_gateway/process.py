"""The gateway as a process of its own, or as several workers.

Apart from `__main__`, which workers do not import.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

from systemzero_base.internal.trust import service_signer
from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.background import Loops
from systemzero_gateway.access.policy import methods_with_policy
from systemzero_gateway.app import build
from systemzero_gateway.checks import check
from systemzero_gateway.config import OWN, PREFIX, GatewaySettings
from systemzero_runtime.interceptors.telemetry import configure_tracing
from systemzero_runtime.operations.ops import operated
from systemzero_runtime.running.channels import service_channel
from systemzero_runtime.running.process import announce, load, on_hangup, run_workers
from systemzero_runtime.running.service import until_signal
from systemzero_runtime.running.workers import WorkerSlot
from systemzero_wire import contract


async def _serve(settings: GatewaySettings, seat: WorkerSlot) -> None:
    async with AsyncExitStack() as stack:
        tracing = configure_tracing(OWN, os.environ, settings.traces)
        backends = {
            name: await stack.enter_async_context(service_channel(target, settings.backend_tls))
            for name, target in settings.backends.items()
        }
        signer = service_signer(OWN, settings.data, settings.trust)
        app = build(settings, backends, signer, tracing=tracing, shared=seat.shared)
        on_hangup(OWN, lambda: app.reload(load(OWN, GatewaySettings, PREFIX).limits))
        loops = Loops(OWN, get_logger(OWN))
        where = await stack.enter_async_context(operated(OWN, seat.ops, app.readiness, loops))
        port = await app.start(settings.listen)
        announce(
            f"gateway: listening on {settings.listen.rpartition(':')[0]}:{port}",
            *(f"gateway: {line}" for line in app.first_key_lines()),
            *(f"gateway: {line}" for line in where),
        )
        await until_signal()
        await app.stop(settings.grace)


def _check(settings: GatewaySettings) -> None:
    check(settings, settings.backends, methods_with_policy(contract.methods()))


def main() -> int:
    """The process; its exit status."""
    return run_workers(OWN, GatewaySettings, PREFIX, _serve, lambda own: own.ops, _check)
