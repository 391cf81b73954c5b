"""docker-compose.yml: its settings are the services', its containers confined, secrets files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.make_secrets import make_secrets
from tests.support.deployed import ROOT, seconds_to_stop, settings_of

FILE = ROOT / "docker-compose.yml"
OURS = ("standalone", "gateway", "capture", "diff")
PROFILES = {
    "standalone": {"standalone"},
    "split": {"migrate", "gateway", "capture", "diff", "postgresql", "valkey", "prometheus"},
}


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load(FILE.read_text())


def test_a_profile_has_what_it_needs_and_nothing_of_the_other(compose: Any) -> None:
    for profile, expected in PROFILES.items():
        found = {n for n, s in compose["services"].items() if s["profiles"] == [profile]}
        assert found == expected
    for service in compose["services"].values():
        assert set(service.get("depends_on", ())) <= PROFILES["split"]


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_one_that_the_service_has(compose: Any, name: str) -> None:
    service = compose["services"][name]
    settings = settings_of(name, service["environment"])
    text, unit = service["stop_grace_period"][:-1], service["stop_grace_period"][-1]
    assert unit == "s"
    assert seconds_to_stop(settings) <= float(text)
    assert service["build"]["args"]["SERVICE"] == name


def test_every_container_is_confined(compose: Any) -> None:
    for service in compose["services"].values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert not service.get("privileged")
    for name in ("postgresql", "valkey", "prometheus"):
        assert compose["services"][name]["healthcheck"]["test"]
    # those of ours have theirs from the image
    assert "HEALTHCHECK" in (ROOT / "deploy/docker/Dockerfile").read_text()


def test_only_loopback_is_published_and_state_is_not_reachable_from_outside(compose: Any) -> None:
    published = {
        name: service["ports"]
        for name, service in compose["services"].items()
        if "ports" in service
    }
    assert set(published) == {"standalone", "gateway", "prometheus"}
    for ports in published.values():
        assert all(port.startswith("127.0.0.1:") for port in ports)
    assert compose["networks"]["state"] == {"internal": True}
    for name in ("postgresql", "valkey", "migrate"):
        assert compose["services"][name]["networks"] == ["state"]


def test_secrets_are_files_that_make_secrets_makes(compose: Any, tmp_path: Any) -> None:
    make_secrets(tmp_path / "secrets")
    for secret in compose["secrets"].values():
        assert (tmp_path / secret["file"]).is_file()
    for name in ("gateway", "capture", "diff"):
        for volume in compose["services"][name]["volumes"]:
            source, into, *mode = volume.split(":")
            if source.startswith("./"):
                assert mode == ["ro"]
                assert (tmp_path / source).is_dir()
            else:
                assert settings_of(name, compose["services"][name]["environment"]).notes == Path(
                    into
                )
    for service in compose["services"].values():
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        named = {v for k, v in service.get("environment", {}).items() if k.endswith("_FILE")}
        assert {v.removeprefix("/run/secrets/") for v in named} <= set(service.get("secrets", ()))
    ignored = subprocess.run(
        ["git", "check-ignore", "-q", "secrets/valkey/password"], cwd=ROOT, check=False
    )
    assert ignored.returncode == 0


def test_what_is_mounted_from_the_repository_is_there(compose: Any) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./") and not source.startswith("./secrets"):
                assert (ROOT / source).exists(), source
            if not source.startswith("./"):
                assert source in compose["volumes"]


def test_prometheus_asks_the_services_where_they_answer(compose: Any) -> None:
    scraped = yaml.safe_load((ROOT / "deploy/docker/prometheus.yml").read_text())
    for job in scraped["scrape_configs"]:
        (target,) = job["static_configs"][0]["targets"]
        name, _, port = target.partition(":")
        settings = settings_of(name, compose["services"][name]["environment"])
        assert settings.ops.listen == f"0.0.0.0:{port}"


@pytest.mark.skipif(shutil.which("docker") is None, reason="no Docker here")
@pytest.mark.parametrize("profile", PROFILES)
def test_docker_compose_itself_takes_it(profile: str) -> None:
    if subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    ).returncode:
        pytest.skip("this Docker has no compose")
    command = ["docker", "compose", "--profile", profile, "config", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
