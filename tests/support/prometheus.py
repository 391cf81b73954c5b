"""Debian's Prometheus and its promtool; where they are not installed, tests that need them skip."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.patience import PATIENCE

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "observability"
RULES = [FOLDER / "records.rules.yml", FOLDER / "alerts.rules.yml"]


def program(name: str) -> str:
    """Where `prometheus` or `promtool` is; skips the test that asks where there is none."""
    found = shutil.which(name)
    if found is None:
        assert not os.environ.get("SYSTEMZERO_TEST_PROMETHEUS"), (
            f"no {name} here, and it was asked for"
        )
        pytest.skip(f"no {name} here (Debian: apt-get install prometheus)")
    return found


def promtool(*arguments: str | Path, given: str | None = None) -> str:
    """What promtool says, which has to be content."""
    told = subprocess.run(
        [program("promtool"), *map(str, arguments)],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, f"{told.stdout}\n{told.stderr}"
    return told.stdout + told.stderr


class Prometheus:
    """A server that runs."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        query = urllib.parse.urlencode(parameters)
        url = f"http://{self.address}/api/v1/{path}?{query}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            body = json.load(answer)
        assert body["status"] == "success", body
        return body["data"]

    def value(self, expression: str) -> list[float]:
        """The values of an expression now, one for each series."""
        found = self.get("query", query=expression)["result"]
        return [float(each["value"][1]) for each in found]


@contextmanager
def prometheus(folder: Path, targets: dict[str, str], port: int) -> Iterator[Prometheus]:
    """A server that scrapes `targets` (addresses by job) every half second, with our rules."""
    config = folder / "prometheus.yml"
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [address]}]}
        for job, address in targets.items()
    ]
    intervals = {"scrape_interval": "500ms", "evaluation_interval": "1s"}
    rules = folder / "rules"
    rules.mkdir()
    for path in RULES:  # as they are, but soon
        (rules / path.name).write_text(path.read_text().replace("interval: 30s", "interval: 1s"))
    files = [str(rules / path.name) for path in RULES]
    config.write_text(
        json.dumps({"global": intervals, "rule_files": files, "scrape_configs": jobs})
    )
    address = f"127.0.0.1:{port}"
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address={address}",
                "--enable-feature=exemplar-storage",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield Prometheus(address)
    finally:
        process.terminate()
        process.wait(PATIENCE)
