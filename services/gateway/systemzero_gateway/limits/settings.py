"""What can be set of the limits. Durations in seconds, rates in units a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from systemzero_base.settings.config import Count, Settings
from systemzero_gateway.limits.gcra import Rate

_SCHEMES = {"redis", "rediss", "unix"}

StoreTimeout = Annotated[float, msgspec.Meta(gt=0, le=5)]


class LimitSettings(Settings, frozen=True):
    """What callers may use up.

    Attributes:
        tenant: rate of a tenant without quotas of its own.
        principal: rate of each of its principals.
        failures: calls from one address whose credential was not accepted.
        store: URL of the Valkey or Redis that several gateways share the rates through:
            `redis://HOST:PORT/DB`, `rediss://…` with TLS, `unix:///PATH`; empty for the memory of
            one gateway, which its workers share.
        store_password_file: file with its password, mode 0600.
        store_timeout: what a decision may take there.
        on_store_failure: what holds while the store is away: `deny` refuses every call, `local` has
            each gateway keep the limits by itself.
        in_flight: calls with one response that a tenant may have under way.
        total_in_flight: calls with one response under way in all.
        streams: streams of responses (watches, exports) that a tenant may have open.
        total_streams: streams of responses open in all.
        unit_bytes: bytes that a message of a stream carries for what it costs; a larger one costs
            as many times as much. A stream of responses takes a unit for so many, each message
            counting for a thousandth at least.
        held_bytes: what messages of more than 64 KiB may have together, of calls under way and of
            streams on their way through; those of one tenant a quarter of it, or one message.
        stream_bytes: what the messages of a stream of requests may have together, where the
            contract says nothing.
    """

    tenant: Rate = Rate()
    principal: Rate = Rate()
    failures: Rate = Rate(per_minute=30, burst=20)
    store: str = ""
    store_password_file: Path | None = None
    store_timeout: StoreTimeout = 0.05
    on_store_failure: Literal["deny", "local"] = "deny"
    in_flight: Count = 100
    total_in_flight: Count = 1_000
    streams: Count = 100
    total_streams: Count = 1_000
    unit_bytes: Count = 5_000_000
    held_bytes: Count = 64_000_000
    stream_bytes: Count = 500_000_000

    def __post_init__(self) -> None:
        """Refuse a store that can't be one.

        Raises:
            ValueError: the URL is none, holds a password, or there is a password and no store.
        """
        try:
            url = urlsplit(self.store)
            _ = url.port
        except ValueError:
            raise ValueError("store: must be a URL") from None
        if self.store and (url.scheme not in _SCHEMES or not (url.hostname or url.path)):
            raise ValueError("store: must be a URL, redis://, rediss:// or unix://")
        if url.password is not None or "password=" in url.query:
            raise ValueError("store: a password belongs into store_password_file")
        if self.store_password_file is not None and not self.store:
            raise ValueError("store_password_file: there is no store")
