"""Run the gateway as a process of its own: `python -m systemzero_gateway --config gateway.yaml`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from systemzero_chassis import config, contract, logs
from systemzero_chassis.config import ConfigError
from systemzero_chassis.service import until_signal
from systemzero_chassis.telemetry import configure_tracing
from systemzero_chassis.trust import service_signer
from systemzero_core.errors import DomainError
from systemzero_gateway.app import build, check, open_backend
from systemzero_gateway.config import OWN, PREFIX, GatewaySettings
from systemzero_gateway.policy import methods_with_policy


async def _serve(settings: GatewaySettings) -> None:
    signer = service_signer(OWN, settings.data, settings.trust)
    backends = {name: open_backend(target) for name, target in settings.backends.items()}
    app = build(settings, backends, signer, tracer=configure_tracing(OWN, os.environ))
    port = await app.start(settings.listen)
    host = settings.listen.rpartition(":")[0]
    sys.stdout.write(f"listening on {host}:{port}\nfirst admin key in {app.admin_key_file}\n")
    sys.stdout.flush()
    await until_signal()
    await app.stop(settings.grace)
    for channel in backends.values():
        await channel.close(None)


def main() -> int:
    """The process; its exit status."""
    parser = argparse.ArgumentParser(prog="systemzero_gateway", description=__doc__)
    parser.add_argument("--config", type=Path, help="YAML file with the settings")
    parser.add_argument("--check-config", action="store_true", help="check the settings, then end")
    arguments = parser.parse_args()
    try:
        settings = config.load(GatewaySettings, arguments.config, os.environ, PREFIX)
        check(settings, settings.backends, methods_with_policy(contract.methods()))
        if not arguments.check_config:
            logs.configure(settings.log_level)
            asyncio.run(_serve(settings))
    except (ConfigError, DomainError, OSError, RuntimeError) as error:
        sys.stderr.write(f"systemzero_gateway: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
