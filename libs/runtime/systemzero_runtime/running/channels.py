"""Channels to other services."""

from __future__ import annotations

import json
from functools import partial

import grpc

from systemzero_runtime.calls.reaching import ServiceChannel
from systemzero_runtime.running.service import (
    WINDOWS,
)
from systemzero_runtime.serving.tls import (
    BackendTlsSettings,
    channel_credentials,
)

_SERVICE_CONFIG = json.dumps(
    {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}
)


def service_channel(target: str, tls: BackendTlsSettings | None = None) -> ServiceChannel:
    """A channel to another service at a gRPC target, in the clear unless `tls` says how.

    That is one address, a name with several (`dns:///diff:50053`), or a list of them
    (`ipv4:10.0.0.1:50053,10.0.0.2:50053`); calls go to all in turn, but for those that are down or
    say that they don't serve, such as one that is being stopped. One of several that is down is
    tried again every second at most. Where all are down, calls fail at once (no wait-for-ready, no
    hidden retries), unless the caller asks first whether the service can be reached.

    Raises:
        ConfigError: a file of `tls` can't be used.
    """
    options = [
        ("grpc.service_config", _SERVICE_CONFIG),
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        # or a new channel to the same target waits for the pauses of the one before
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # a watch may be quiet for long: go on asking, or a dead service goes unnoticed
        ("grpc.http2.max_pings_without_data", 0),
        *WINDOWS,
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    ]
    if tls is None:
        return ServiceChannel(partial(grpc.aio.insecure_channel, target, options))
    if tls.server_name:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    credentials = channel_credentials(tls)
    return ServiceChannel(partial(grpc.aio.secure_channel, target, credentials, options))
