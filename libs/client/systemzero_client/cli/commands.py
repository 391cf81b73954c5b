"""The list of commands: where each is, and what `sz --help` says of it."""

from __future__ import annotations

from systemzero_client.cli.lazy import Entry

COMMANDS = {
    "login": Entry(
        "login:login",
        "Store a server and an API key for it, once the server has accepted the key.",
    ),
    "status": Entry("login:status", "Show how the platform is, and who you are to it."),
    "capture": Entry("ingest:capture", "Store captures and have them judged."),
    "captures": Entry("captures:captures", "List, read and delete stored captures."),
    "check": Entry(
        "ingest:check", "Judge captures without storing them; drift is recorded all the same."
    ),
    "learn": Entry(
        "templates:learn",
        "Learn SCREEN from good captures of it; what varies between them is not drift.",
    ),
    "diff": Entry("diff:diff_command", "Compare two captures, without any server."),
    "events": Entry(
        "events:events", "List drift events, newest first; with EVENT, show one whole."
    ),
    "approve": Entry(
        "events:approve", "Approve an event's change: it becomes part of the template."
    ),
    "reject": Entry(
        "events:reject", "Reject an event's change: it is more severe when it comes back."
    ),
    "snooze": Entry("events:snooze", "Keep an event quiet for a while."),
    "summary": Entry("events:summary", "Compliance, counts and trend of the last 30 days."),
    "templates": Entry(
        "templates:templates", "List, show, export, import, check and delete templates."
    ),
    "log": Entry("log:log", "Verify, export and prove the evidence log."),
    "audit": Entry("audit:audit", "List, export and verify the gateway's audit log."),
    "keys": Entry("keys:keys", "List, create, rotate and revoke API keys."),
    "token": Entry(
        "token:token",
        "Issue, introspect and revoke tokens: short-lived stand-ins for an API key.",
    ),
    "tenants": Entry(
        "tenants:tenants", "List, create, suspend and resume tenants, and set their quotas."
    ),
}
"""Each command by its name. A test holds what is said here to what the commands say."""
