"""`sz-admin keys`: the key files of services that run apart, which each then only reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from systemzero_core.apikey import is_well_formed


def made(folder: Path) -> dict[str, bytes]:
    command = [sys.executable, "-m", "systemzero_chassis.admin", "keys", "--to", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_keys_of_every_service_are_made_once_and_missing_ones_again(tmp_path: Path) -> None:
    first = made(tmp_path)
    own = {"capture/identity.key", "diff/identity.key", "gateway/identity.key"}
    public = {"trust/capture.pub", "trust/diff.pub", "trust/gateway.pub"}
    assert own | public | {"diff/log.key", "gateway/audit.key", "gateway/pepper.key"} <= set(first)
    assert is_well_formed(first["gateway/admin.key"].decode().strip())
    (tmp_path / "trust" / "diff.pub").unlink()
    (tmp_path / "gateway" / "admin.key").unlink()
    again = made(tmp_path)
    assert again.pop("gateway/admin.key") != first.pop("gateway/admin.key")
    assert again == first
    for name in own:
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
