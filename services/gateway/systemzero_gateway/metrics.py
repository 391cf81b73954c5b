"""The gateway's own metrics; those of every call are in `systemzero_runtime.interceptors`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

ALTERED_ROWS = Counter(
    "systemzero_gateway_altered_rows",
    "Rows that were met while a credential was looked up, and not as the gateway wrote them.",
    ["table"],
)
AUDIT_ENTRIES = Counter(
    "systemzero_gateway_audit_entries",
    "Entries written to the audit log, by decision.",
    ["decision"],
)
AUDIT_WAITING = Gauge(
    "systemzero_gateway_audit_waiting",
    "Entries that wait to be written to the audit log.",
    multiprocess_mode="livesum",
)
AUDIT_CAPACITY = Gauge(
    "systemzero_gateway_audit_capacity",
    "Entries that may wait to be written to the audit log, of all workers.",
    multiprocess_mode="livesum",
)
BREAKER_STATE = Gauge(
    "systemzero_gateway_breaker_state",
    "State of the backend's circuit breaker: 1 closed, 2 half open, 3 open.",
    ["backend"],
    multiprocess_mode="livemax",
)
FAILURES = Counter(
    "systemzero_gateway_backend_failures",
    "Calls that the backend did not take, or left without an answer.",
    ["backend"],
)
IN_FLIGHT = Gauge(
    "systemzero_gateway_in_flight",
    "Calls that were let in and have not ended, by kind: call or stream.",
    ["kind"],
    multiprocess_mode="livesum",
)
IN_FLIGHT_MOST = Gauge(
    "systemzero_gateway_in_flight_most",
    "Calls that may be under way at a time, by kind: call or stream.",
    ["kind"],
    multiprocess_mode="livesum",
)
LIMIT_DECISIONS = Counter(
    "systemzero_gateway_limit_decisions",
    "Decisions of the rate limits, by the limit that was the tighter one.",
    ["limit", "decision"],
)
LIMIT_STORE_AWAY = Gauge(
    "systemzero_gateway_limit_store_away",
    "Whether the shared store of the rate limits does not answer.",
    multiprocess_mode="livemax",
)
REFUSALS = Counter(
    "systemzero_gateway_refusals",
    "Calls that were not let in, by the reason of the error.",
    ["reason"],
)
RETRIES = Counter("systemzero_gateway_backend_retries", "Calls sent a second time.", ["backend"])
STREAM_UNITS = Counter(
    "systemzero_gateway_stream_units",
    "Units of the rates that messages of streams took, by kind: request or response.",
    ["kind"],
)
STREAMS_HELD = Gauge(
    "systemzero_gateway_streams_held",
    "Streams that are held back until their rate lets a message pass.",
    multiprocess_mode="livesum",
)
BYTES_HELD = Gauge(
    "systemzero_gateway_bytes_held",
    "Bytes of large messages that are held, of calls under way and of streams.",
    multiprocess_mode="livesum",
)
SERVING = Gauge(
    "systemzero_gateway_backend_serving",
    "Whether the backend said that it serves when it was asked last.",
    ["backend"],
    multiprocess_mode="livemin",
)
