"""The gateway's own metrics, beside those of every call (`systemzero_chassis.telemetry`)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

AUDIT_ENTRIES = Counter(
    "gateway_audit_entries", "Entries written to the audit log, by decision.", ["decision"]
)
AUDIT_WAITING = Gauge(
    "gateway_audit_waiting",
    "Entries that wait to be written to the audit log.",
    multiprocess_mode="livesum",
)
BREAKER_STATE = Gauge(
    "gateway_breaker_state",
    "State of the backend's circuit breaker: 1 closed, 2 half open, 3 open.",
    ["backend"],
    multiprocess_mode="livemax",
)
FAILURES = Counter(
    "gateway_backend_failures",
    "Calls that the backend did not take, or left without an answer.",
    ["backend"],
)
LIMIT_DECISIONS = Counter(
    "gateway_limit_decisions",
    "Decisions of the rate limits, by the limit that was the tighter one.",
    ["limit", "decision"],
)
LIMIT_STORE_AWAY = Gauge(
    "gateway_limit_store_away",
    "Whether the shared store of the rate limits does not answer.",
    multiprocess_mode="livemax",
)
RETRIES = Counter("gateway_backend_retries", "Calls sent a second time.", ["backend"])
SERVING = Gauge(
    "gateway_backend_serving",
    "Whether the backend said that it serves when it was asked last.",
    ["backend"],
    multiprocess_mode="livemin",
)
