"""The capture service as a process of its own."""

from __future__ import annotations

import os

from systemzero_base.internal.trust import service_signer, service_verifier
from systemzero_capture.app import NAME, CaptureService
from systemzero_capture.config import ENVIRONMENT_PREFIX, CaptureSettings
from systemzero_runtime.interceptors.telemetry import configure_tracing
from systemzero_runtime.running.backend import serve_backend
from systemzero_runtime.running.channels import service_channel
from systemzero_runtime.running.process import run
from systemzero_runtime.serving.tls import check_files
from systemzero_storage.sealing import check_encryption


def main() -> int:
    """Run it; the exit status: 0 after a signal, 2 for what stops a start."""
    return run(NAME, CaptureSettings, ENVIRONMENT_PREFIX, _serve, _check)


async def _serve(settings: CaptureSettings) -> None:
    tracing = configure_tracing(NAME, os.environ, settings.traces)
    signer = service_signer(NAME, settings.data, settings.trust)
    verifier = service_verifier(NAME, ("gateway", "diff"), settings.trust)
    async with service_channel(settings.diff, settings.backend_tls) as channel:
        service = CaptureService(settings, channel, signer)
        await serve_backend(service, verifier, settings, tracing)


def _check(settings: CaptureSettings) -> None:
    check_files(settings.tls, settings.backend_tls)
    check_encryption(settings.encryption, settings.data)
