"""The logs of this process, in files, for as long as a test looks at them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from systemzero_base.telemetry import logs
from systemzero_base.telemetry.logs import LogSettings


def lines_in(path: Path) -> list[dict[str, Any]]:
    """What was logged to a file by now."""
    logs.flush()
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@contextmanager
def logging_as(settings: LogSettings) -> Iterator[None]:
    """Log as `settings` say; afterwards nowhere."""
    logs.configure(settings)
    try:
        yield
    finally:
        logs.unconfigure()
