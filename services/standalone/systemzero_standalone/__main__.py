"""Run the three services in one process: `python -m systemzero_standalone --config FILE`."""

from __future__ import annotations

import sys

from systemzero_chassis.ops import operated
from systemzero_chassis.process import announce, load, on_hangup, run
from systemzero_chassis.service import until_signal
from systemzero_standalone.app import StandaloneApp, check
from systemzero_standalone.config import ENVIRONMENT_PREFIX, StandaloneSettings

NAME = "standalone"


async def _serve(settings: StandaloneSettings) -> None:
    app = StandaloneApp(settings)
    on_hangup(NAME, lambda: app.reload(load(NAME, StandaloneSettings, ENVIRONMENT_PREFIX)))
    async with operated(NAME, settings.gateway.ops, app.readiness) as where:
        port = await app.start(settings.listen)
        announce(
            f"listening on {settings.listen.rpartition(':')[0]}:{port}",
            f"first admin key in {app.admin_key_file}",
            *where,
        )
        await until_signal()
        await app.stop(settings.grace)


if __name__ == "__main__":
    sys.exit(run(NAME, StandaloneSettings, ENVIRONMENT_PREFIX, _serve, check))
