"""Composition root of the standalone process: the gateway before two services without a network.

Handlers, interceptors and identities are the same as in split mode; only the channels differ.
"""

from __future__ import annotations

import os
import time
from itertools import chain
from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero_base.internal.identity import IdentitySigner, IdentityVerifier
from systemzero_base.lanes.dispatch import Lanes
from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.background import Loops
from systemzero_capture import app as capture
from systemzero_diff import app as diff
from systemzero_gateway.access.policy import methods_with_policy
from systemzero_gateway.app import GatewayApp, build
from systemzero_gateway.checks import check as check_gateway
from systemzero_gateway.config import OWN
from systemzero_runtime.interceptors.telemetry import configure_tracing
from systemzero_runtime.running.backend import backend_registry
from systemzero_runtime.running.service import closed_in_time
from systemzero_runtime.serving.local import LocalChannel
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_standalone.config import StandaloneSettings
from systemzero_storage.sealing import check_encryption
from systemzero_wire import contract

S = TypeVar("S", bound=msgspec.Struct)


class StandaloneApp:
    """Gateway, capture and diff in one process."""

    def __init__(self, settings: StandaloneSettings, shared: Path | None = None) -> None:
        """Opens the databases.

        `shared` is the folder of what it shares with the other workers, if it is one of several.

        Raises:
            ConfigError, DomainError: the settings, a key file or a database can't be used.
        """
        tracing = configure_tracing("standalone", os.environ, settings.traces)
        # One key for this process's life: nobody outside it ever has to verify its identities.
        key = Ed25519PrivateKey.generate()
        signers = {
            name: IdentitySigner(name, key, time.time) for name in (OWN, capture.NAME, diff.NAME)
        }
        trusted = {name: key.public_key() for name in signers}
        # The two services call each other: each gets its channel before the other's handlers.
        registries = {name: HandlerRegistry() for name in (capture.NAME, diff.NAME)}
        channels = {name: LocalChannel(registry) for name, registry in registries.items()}
        loops = Loops("standalone", get_logger("standalone"))
        modules = (*capture.LANE_MODULES, *diff.LANE_MODULES)
        self._lanes = Lanes(settings.lanes, loops, modules, processes=settings.workers)
        self._services = (
            capture.CaptureService(
                _sealed(settings.capture, settings, "capture"),
                channels[diff.NAME],
                signers[capture.NAME],
                lanes=self._lanes,
            ),
            diff.DiffService(
                _sealed(settings.diff, settings, "diff"),
                channels[capture.NAME],
                signers[diff.NAME],
                lanes=self._lanes,
            ),
        )
        for service in self._services:
            verifier = IdentityVerifier(service.name, trusted, time.time)
            registries[service.name].mount(backend_registry(service, verifier, observed=False))
        self._gateway: GatewayApp = build(
            msgspec.structs.replace(
                _in(settings.gateway, settings, "gateway"), health=settings.health
            ),
            channels,
            signers[OWN],
            tracing=tracing,
            shared=shared,
        )
        self.first_key_lines = self._gateway.first_key_lines
        self.readiness = self._gateway.readiness
        self.loops = tuple(
            chain(self._gateway.loops, loops, *(each.loops for each in self._services))
        )
        self._gateway.rest_on({"standalone.loops": loops.failing})
        for service in self._services:
            self._gateway.rest_on(service.sampler.conditions)

    async def start(self, address: str) -> int:
        """Serve on `address` (`host:port`, port 0 picks one); the port that it is.

        Raises:
            LogDiverged: the log does not extend its last checkpoint.
            RuntimeError: the address can't be bound.
        """
        for service in self._services:
            await service.start()
        self._lanes.start()
        return await self._gateway.start(address)

    def reload(self, settings: StandaloneSettings) -> None:
        """Have the gateway's limits of `settings` from now on.

        Raises:
            ConfigError: they contradict the contract; the old ones stay.
        """
        self._gateway.reload(settings.gateway.limits)

    async def stop(self, grace: float) -> None:
        """Give calls in flight `grace` seconds, then close everything."""
        await self._gateway.end_calls(grace)
        await closed_in_time(self._close(), get_logger("standalone"))

    async def _close(self) -> None:
        await self._gateway.close()
        await self._lanes.stop()
        for service in self._services:
            await service.stop()


def check(settings: StandaloneSettings) -> None:
    """Hold the settings against the contract.

    Raises:
        ConfigError: names what contradicts it.
    """
    check_encryption(settings.encryption, settings.data)
    methods = methods_with_policy(contract.methods())
    check_gateway(settings.gateway, (capture.NAME, diff.NAME), methods)


def _in(settings: S, standalone: StandaloneSettings, name: str) -> S:
    return msgspec.structs.replace(
        settings, data=standalone.data / name, database=standalone.database
    )


def _sealed(settings: S, standalone: StandaloneSettings, name: str) -> S:
    placed = _in(settings, standalone, name)
    return msgspec.structs.replace(placed, encryption=standalone.encryption)
