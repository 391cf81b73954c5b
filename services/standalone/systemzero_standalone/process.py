"""The three services in one process, or in each of several workers.

Apart from `__main__`, which workers do not import.
"""

from __future__ import annotations

from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.background import Loops
from systemzero_runtime.operations.ops import operated
from systemzero_runtime.running.process import announce, load, on_hangup, run_workers
from systemzero_runtime.running.service import until_signal
from systemzero_runtime.running.workers import WorkerSlot
from systemzero_standalone.app import StandaloneApp, check
from systemzero_standalone.config import ENVIRONMENT_PREFIX, StandaloneSettings

NAME = "standalone"


async def _serve(settings: StandaloneSettings, seat: WorkerSlot) -> None:
    app = StandaloneApp(settings, seat.shared)
    on_hangup(NAME, lambda: app.reload(load(NAME, StandaloneSettings, ENVIRONMENT_PREFIX)))
    loops = Loops(NAME, get_logger(NAME))
    async with operated(NAME, seat.ops, app.readiness, loops) as where:
        port = await app.start(settings.listen)
        announce(
            f"listening on {settings.listen.rpartition(':')[0]}:{port}",
            *app.first_key_lines(),
            *where,
        )
        await until_signal()
        await app.stop(settings.grace)


def main() -> int:
    """The process; its exit status."""
    return run_workers(
        *(NAME, StandaloneSettings, ENVIRONMENT_PREFIX, _serve),
        ops=lambda settings: settings.gateway.ops,
        check=check,
    )
