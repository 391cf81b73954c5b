"""Run the diff service as a process of its own: `python -m systemzero_diff --config FILE`."""

from __future__ import annotations

import os
import sys

from systemzero_chassis.process import run, serve_backend, service_channel
from systemzero_chassis.sealing import check_encryption
from systemzero_chassis.telemetry import configure_tracing
from systemzero_chassis.tls import check_files
from systemzero_chassis.trust import service_signer, service_verifier
from systemzero_diff.app import NAME, DiffService
from systemzero_diff.config import ENVIRONMENT_PREFIX, DiffSettings


async def _serve(settings: DiffSettings) -> None:
    tracing = configure_tracing(NAME, os.environ, settings.traces)
    signer = service_signer(NAME, settings.data, settings.trust)
    verifier = service_verifier(NAME, ("gateway", "capture"), settings.trust)
    async with service_channel(settings.capture, settings.backend_tls) as channel:
        service = DiffService(settings, channel, signer)
        await serve_backend(service, verifier, settings, tracing)


def _check(settings: DiffSettings) -> None:
    check_files(settings.tls, settings.backend_tls)
    check_encryption(settings.encryption, settings.data)


if __name__ == "__main__":
    sys.exit(run(NAME, DiffSettings, ENVIRONMENT_PREFIX, _serve, _check))
