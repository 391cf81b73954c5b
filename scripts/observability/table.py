"""The tables of docs/metrics.md: every metric, in the order of what it is of."""

from __future__ import annotations

from typing import Final

from scripts.observability.metrics import Declared, declared, process_metrics

BEGIN: Final = "<!-- made by `make observability` -->\n"
END: Final = "<!-- end -->\n"

_SECTIONS: Final = {
    "Calls": ("rpc_",),
    "Captures": ("systemzero_capture",),
    "Verdicts": (
        "systemzero_check",
        "systemzero_drift",
        "systemzero_match",
        "systemzero_template",
        "systemzero_verdict",
    ),
    "Logs": ("systemzero_log",),
    "Gateway": ("systemzero_gateway",),
    "Databases, disks, threads": (
        "systemzero_database",
        "systemzero_data_",
        "systemzero_pool",
    ),
    "Processes": ("systemzero_",),
}
_HEAD: Final = "| metric | kind | labels | |\n|---|---|---|---|\n"


def tables() -> str:
    """All of them, as Markdown."""
    rest, written = declared(), []
    for title, prefixes in _SECTIONS.items():
        here = [metric for metric in rest if metric.name.startswith(prefixes)]
        rest = [metric for metric in rest if metric not in here]
        if title == "Processes":
            here += process_metrics()
        written.append(f"## {title}\n\n{_HEAD}{''.join(map(_row, here))}")
    return "\n".join(written)


def written(document: str) -> str:
    """`document` with the tables between its marks."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


def _row(metric: Declared) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.text} |\n"
