"""The PM2 ecosystem, as node loads it."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.deployed import ROOT, seconds_to_stop, settings_of

ECOSYSTEM = ROOT / "deploy" / "pm2" / "ecosystem.config.cjs"
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="no node here")
def test_it_starts_the_services_with_time_to_drain() -> None:
    script = f"console.log(JSON.stringify(require({str(ECOSYSTEM)!r})))"
    environment = {
        "SYSTEMZERO_HOME": "/srv/venv",
        "SYSTEMZERO_CONFIG": str(ROOT / "deploy" / "systemd"),
    }
    command = [str(NODE), "-e", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    apps = json.loads(done.stdout)["apps"]
    # who is called starts before who calls
    assert [app["name"] for app in apps] == ["diff", "capture", "gateway"]
    for app in apps:
        assert (app["script"], app["interpreter"]) == ("/srv/venv/bin/python", "none")
        flag, module, config, file = app["args"]
        assert (flag, config) == ("-m", "--config")
        assert find_spec(f"{module}.__main__") is not None
        settings = settings_of(app["name"], file=Path(file))
        assert seconds_to_stop(settings) <= app["kill_timeout"] / 1_000
