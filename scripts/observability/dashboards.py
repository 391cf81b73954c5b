"""The Grafana dashboards, as the JSON that Grafana imports.

They ask Prometheus for what is recorded (`records.rules.yml`) where there is such a record, so that
a dashboard and an alert never disagree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

_WIDTH: Final = 24
_HEIGHT: Final = 8
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}

Series = tuple[str, str]
"""An expression, and the legend of its series."""
Panel = dict[str, Any]


def panel(title: str, unit: str, *series: Series, text: str = "", width: int = 8) -> Panel:
    """A graph over time; `unit` is one of Grafana's, `text` says how to read it."""
    return {
        "type": "timeseries",
        "title": title,
        "description": text,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "expr": expression,
                "legendFormat": legend,
                "datasource": _SOURCE,
                "exemplar": "_bucket" in expression,
            }
            for number, (expression, legend) in enumerate(series)
        ],
        "gridPos": {"w": width, "h": _HEIGHT},
    }


def dashboard(uid: str, title: str, rows: Mapping[str, Sequence[Panel]]) -> str:
    """A dashboard of `rows`, each a title and its panels, from left to right."""
    panels: list[Panel] = []
    top = 0
    for name, row in rows.items():
        panels.append({"type": "row", "title": name, "collapsed": False, "panels": []})
        panels[-1]["gridPos"] = {"x": 0, "y": top, "w": _WIDTH, "h": 1}
        top, left = top + 1, 0
        for each in row:
            if left + each["gridPos"]["w"] > _WIDTH:
                top, left = top + _HEIGHT, 0
            panels.append({**each, "gridPos": {**each["gridPos"], "x": left, "y": top}})
            left += each["gridPos"]["w"]
        top += _HEIGHT
    made = {
        "uid": uid,
        "title": title,
        "tags": ["systemzero"],
        "timezone": "utc",
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "schemaVersion": 39,
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                }
            ]
        },
        "panels": [{"id": number, **each} for number, each in enumerate(panels, 1)],
    }
    return json.dumps(made, indent=1, sort_keys=True) + "\n"


def dashboards() -> dict[str, str]:
    """Every dashboard, by the name of its file."""
    return {
        "platform": dashboard("systemzero-platform", "System//Zero: the platform", _platform()),
        "services": dashboard("systemzero-services", "System//Zero: the services", _services()),
    }


def _platform() -> dict[str, list[Panel]]:
    return {
        "Objectives": _objectives(),
        "Calls at the edge": _edge(),
        "Verdicts": _verdicts(),
        "Evidence": _evidence(),
    }


def _services() -> dict[str, list[Panel]]:
    return {
        "Processes": _processes(),
        "Calls between services": _between_services(),
        "Gateway": _gateway(),
        "Databases and disks": _databases(),
    }


def _windows(figure: str, windows: Sequence[str]) -> list[Series]:
    return [(f"systemzero:{figure}:ratio_rate{window}", window) for window in windows]


def _percentiles(figure: str, legend: str = "") -> list[Series]:
    return [(f"systemzero:{figure}:p{q}_5m", f"{legend}p{q}") for q in (50, 95, 99)]


def _per_second(metric: str, by: str, legend: str) -> Series:
    return f"sum by ({by}) (rate({metric}[5m]))", legend


def _quantile(quantile: str, metric: str, by: str, legend: str) -> Series:
    rates = f"sum by ({by}, le) (rate({metric}_bucket[5m]))"
    return f"histogram_quantile({quantile}, {rates})", legend


def _stages(metric: str) -> Series:
    return _quantile("0.95", metric, "stage", "{{stage}} p95")


def _objectives() -> list[Panel]:
    budget = (
        "The share of the calls at the edge; the lines of several windows cross where it changes."
    )
    return [
        panel(
            "Calls that fail by our fault (0.1 % may)",
            "percentunit",
            *_windows("calls_failed", ("5m", "1h", "6h", "3d")),
            text=budget,
        ),
        panel(
            "Calls that take more than 250 ms (1 % may)",
            "percentunit",
            *_windows("calls_slow", ("5m", "1h", "6h", "3d")),
            text=budget,
        ),
        panel(
            "Alerts",
            "short",
            (
                'count by (alertname) (ALERTS{alertname=~"SystemZero.+", alertstate="firing"})',
                "{{alertname}}",
            ),
        ),
    ]


def _edge() -> list[Panel]:
    return [
        panel(
            "Calls by status",
            "reqps",
            (
                "sum by (rpc_response_status_code) (systemzero:calls:rate5m)",
                "{{rpc_response_status_code}}",
            ),
        ),
        panel(
            "Calls by method",
            "reqps",
            ("sum by (rpc_method) (systemzero:calls:rate5m)", "{{rpc_method}}"),
        ),
        panel(
            "Duration, 95 of 100 within",
            "s",
            ("systemzero:rpc_server_call_duration_seconds:p95_5m", "{{rpc_method}}"),
        ),
    ]


def _verdicts() -> list[Panel]:
    return [
        panel("Verdicts", "reqps", ("systemzero:verdicts:rate5m", "{{kind}}")),
        panel("Capture to verdict", "s", *_percentiles("capture_to_verdict_seconds")),
        panel(
            "Inconclusive, unknown",
            "percentunit",
            ("systemzero:verdicts_inconclusive:ratio_rate15m", "inconclusive"),
            ("systemzero:screens_unknown:ratio_rate15m", "unknown screen"),
        ),
        panel(
            "Drift events",
            "reqps",
            ("systemzero:drift_events:rate5m", "{{kind}}, {{severity}}"),
        ),
        panel(
            "Stages of a capture",
            "s",
            _stages("systemzero_capture_stage_duration_seconds"),
            _stages("systemzero_check_stage_duration_seconds"),
        ),
        panel(
            "Captures seen before",
            "percentunit",
            ("systemzero:captures_seen_before:ratio_rate5m", "seen before"),
            text="They cost next to nothing: neither parsing nor a diff.",
        ),
    ]


def _evidence() -> list[Panel]:
    return [
        panel("Entries of all logs", "short", ("max by (log) (systemzero_log_entries)", "{{log}}")),
        panel(
            "Age of what is not signed",
            "s",
            ("max by (log) (systemzero_log_unsigned_age_seconds)", "{{log}}"),
        ),
        panel(
            "Age of what is not cosigned",
            "s",
            (
                "max by (log, witness) (systemzero_log_uncosigned_age_seconds)",
                "{{log}}: {{witness}}",
            ),
        ),
    ]


def _processes() -> list[Panel]:
    return [
        panel("Not ready", "short", ("systemzero_ready == 0", "{{instance}} {{condition}}")),
        panel(
            "Background loops that fail",
            "short",
            ("systemzero_background_running == 0", "{{instance}} {{loop}}"),
            (
                "increase(systemzero_background_restarts_total[5m]) > 0",
                "{{instance}} {{loop}}: restarts",
            ),
        ),
        panel(
            "Processors in use",
            "short",
            ("rate(process_cpu_seconds_total[5m])", "{{instance}} {{worker}}"),
        ),
        panel(
            "Memory",
            "bytes",
            ("process_resident_memory_bytes", "{{instance}} {{worker}}"),
        ),
        panel(
            "Event loop, late by (p90)",
            "s",
            _quantile("0.9", "systemzero_event_loop_lag_seconds", "instance", "{{instance}}"),
        ),
        panel(
            "Calls under way",
            "short",
            ("sum by (job) (rpc_server_calls_in_flight)", "{{job}}"),
        ),
        panel(
            "Large work",
            "short",
            ("systemzero_lanes_work_waiting", "{{instance}}: waits"),
            ("systemzero_lanes_work_running", "{{instance}}: under way"),
            ("systemzero_lanes", "{{instance}}: processes"),
        ),
    ]


def _between_services() -> list[Panel]:
    return [
        panel(
            "Calls",
            "reqps",
            _per_second(
                "rpc_client_call_duration_seconds_count",
                "job, server_address, rpc_response_status_code",
                "{{job}} to {{server_address}}: {{rpc_response_status_code}}",
            ),
        ),
        panel(
            "Duration (p95)",
            "s",
            _quantile(
                "0.95",
                "rpc_client_call_duration_seconds",
                "job, server_address",
                "{{job}} to {{server_address}}",
            ),
        ),
        panel(
            "Breakers (3 is open), backends that serve",
            "short",
            ("systemzero_gateway_breaker_state", "{{instance}} {{backend}}: breaker"),
            ("systemzero_gateway_backend_serving", "{{instance}} {{backend}}: serves"),
        ),
    ]


def _gateway() -> list[Panel]:
    return [
        panel(
            "Limits",
            "reqps",
            _per_second(
                "systemzero_gateway_limit_decisions_total",
                "limit, decision",
                "{{limit}}: {{decision}}",
            ),
            ("max(systemzero_gateway_limit_store_away)", "store away"),
        ),
        panel(
            "Refusals",
            "reqps",
            _per_second("systemzero_gateway_refusals_total", "reason", "{{reason}}"),
        ),
        panel(
            "Audit queue",
            "percentunit",
            ("systemzero:gateway_audit_queue:ratio", "{{instance}}"),
        ),
    ]


def _databases() -> list[Panel]:
    return [
        panel(
            "Commits (p95)",
            "s",
            _quantile(
                "0.95", "systemzero_database_commit_duration_seconds", "database", "{{database}}"
            ),
        ),
        panel(
            "Write jobs, waiting jobs",
            "short",
            _per_second("systemzero_database_jobs_total", "database", "{{database}}: a second"),
            ("sum by (database) (systemzero_database_jobs_waiting)", "{{database}}: waiting"),
        ),
        panel(
            "Connections in use",
            "percentunit",
            ("systemzero:database_connections:ratio", "{{instance}} {{database}}"),
        ),
        panel(
            "Databases that answer",
            "short",
            ("systemzero_database_up", "{{instance}} {{database}}"),
        ),
        panel(
            "Disk left",
            "percentunit",
            ("systemzero:data_free:ratio", "{{instance}} {{service}}"),
        ),
        panel("Data", "bytes", ("systemzero_data_used_bytes", "{{instance}} {{service}}")),
    ]
