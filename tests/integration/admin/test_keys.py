"""`sz-admin keys`: the key files of services that run apart, which each then only reads."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from systemzero_core.apikey import is_well_formed


def made(folder: Path) -> dict[str, bytes]:
    command = [sys.executable, "-m", "systemzero_admin", "keys", "--to", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_keys_of_every_service_are_made_once_and_missing_ones_again(tmp_path: Path) -> None:
    first = made(tmp_path)
    own = {"capture/identity.key", "diff/identity.key", "gateway/identity.key"}
    public = {"trust/capture.pub", "trust/diff.pub", "trust/gateway.pub"}
    assert own | public | {"diff/log.key", "gateway/audit.key", "gateway/pepper.key"} <= set(first)
    (tmp_path / "trust" / "diff.pub").unlink()
    (tmp_path / "diff" / "page-tokens.key").unlink()
    again = made(tmp_path)
    assert again.pop("diff/page-tokens.key") != first.pop("diff/page-tokens.key")
    assert again == first
    for name in own:
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_first_keys_stand_apart_and_no_service_gets_one(tmp_path: Path) -> None:
    found = made(tmp_path)
    for name in ("admin.key", "platform.key"):
        secret = found[f"first-keys/{name}"].strip()
        assert is_well_formed(secret.decode())
        assert [path for path, data in found.items() if secret in data] == [f"first-keys/{name}"]
    # whoever moved them away, as they should, does not get others
    shutil.rmtree(tmp_path / "first-keys")
    assert made(tmp_path) == {k: v for k, v in found.items() if not k.startswith("first-keys/")}


def test_a_pepper_made_anew_beside_an_old_first_key_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "gateway" / "pepper.key").unlink()
    with pytest.raises(subprocess.CalledProcessError) as refused:
        made(tmp_path)
    assert b"pepper.key is missing" in refused.value.stderr
    assert not (tmp_path / "gateway" / "pepper.key").exists()


@pytest.mark.parametrize("name", ["diff/log.key", "gateway/audit.key"])
def test_a_log_key_made_anew_beside_an_old_origin_is_refused(tmp_path: Path, name: str) -> None:
    made(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(subprocess.CalledProcessError) as refused:
        made(tmp_path)
    assert f"{name} is missing".encode() in refused.value.stderr
    assert b"put the key back" in refused.value.stderr
    assert not (tmp_path / name).exists()
