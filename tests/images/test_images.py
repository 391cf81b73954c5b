"""The images of the services, built and run for real: `make image-test`."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.make_secrets import make_secrets
from scripts.run_split import free_port
from tests.support.images import HOME, STATE, Image, build, mounted, running, why_not
from tests.support.platform import Services, until_serving

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not())]

SERVICES = ("gateway", "capture", "diff", "standalone")


@pytest.fixture(scope="module", params=SERVICES)
def image(request: pytest.FixtureRequest) -> Iterator[Image]:
    with mounted(build(request.param)) as found:
        yield found


@pytest.fixture
def volume() -> Iterator[Path]:
    # a place that the container's user can reach and write to, as a volume of this image is
    folder = HOME / "volume"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def named(image: Image) -> str:
    return image.name.rpartition("-")[2]


def test_it_has_its_service_what_that_needs_and_no_shell(image: Image) -> None:
    has = {path.name for path in (image.root / "opt/systemzero").glob("systemzero_*")}
    own = {f"systemzero_{name}" for name in SERVICES} & {p.split("-")[0] for p in has}
    everything = {f"systemzero_{name}" for name in SERVICES}
    assert own == (everything if named(image) == "standalone" else {f"systemzero_{named(image)}"})
    programs = [path for path in image.root.rglob("bin/*") if path.stat().st_mode & 0o111]
    shells = {path.name for path in programs} & {"sh", "bash", "dash", "busybox", "pip", "apt"}
    assert shells == set()
    assert not list(image.root.rglob("site-packages/pytest"))
    assert image.config["User"] == "65532:65532"


def test_it_serves_on_a_read_only_root_is_healthy_and_stops(image: Image, volume: Path) -> None:
    service = named(image)
    port, health = free_port(), f"127.0.0.1:{free_port()}"
    prefix = f"SZ_{service.upper()}_"
    env = {f"{prefix}LISTEN": f"127.0.0.1:{port}", f"{prefix}HEALTH": health}
    gateway = {"standalone": f"{prefix}GATEWAY__", "gateway": prefix}.get(service)
    if gateway is not None:
        env |= {f"{gateway}OPS__LISTEN": "", f"{gateway}OPS__CHANNELZ": ""}
    kind, *check = image.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    assert image.run(volume, *check, health)[0] == 1
    with running(image, volume, env) as (said, seconds):
        assert said.strip().endswith(f":{port}")
        status = image.run(volume, *check, health, "--service", "liveness")
        assert status == (0, ""), status
        if service == "standalone":
            key = (volume / "gateway" / "admin.key").read_text().strip()
            with Services(f"127.0.0.1:{port}", key) as services:
                until_serving(services)
            assert image.run(volume, *check, health) == (0, "")
    figures = {"image": service, "megabytes": round(image.size / 1e6), "start_seconds": seconds}
    (HOME / f"{service}.json").write_text(json.dumps(figures))
    owners = {path.stat().st_uid for path in volume.rglob("*")}
    assert owners == {65532}


def test_nothing_outside_of_its_volume_can_be_written(image: Image, volume: Path) -> None:
    for place, good in (("/opt/systemzero", False), ("/tmp", False), (STATE, True)):  # noqa: S108
        program = f"open('{place}/x', 'w').close()"
        status, said = image.run(volume, "python3", "-c", program)
        assert (status == 0) is good, said


def test_keys_that_are_mounted_for_its_group_are_read_and_not_made(
    image: Image, volume: Path
) -> None:
    make_secrets(volume)
    for path in (volume, *volume.rglob("*")):  # as a Secret is mounted: root's, open to the group
        os.chown(path, 0, 65532)
        path.chmod(0o750 if path.is_dir() else 0o440)
    command = ("python3", "-m", "systemzero_admin", "keys", "--to", STATE)
    status, said = image.run(volume, *command)
    assert status == 0, said
    service = "gateway" if named(image) == "standalone" else named(image)
    (volume / service / "identity.key").chmod(0o444)
    status, said = image.run(volume, *command)
    assert status == 2
    assert "identity.key" in said


def test_settings_and_databases_are_looked_after_from_the_same_image(
    image: Image, volume: Path
) -> None:
    entry = image.config["Entrypoint"]
    assert image.run(volume, *entry, "--check-config") == (0, "")
    module = ("python3", "-m", "systemzero_admin")
    status, said = image.run(volume, *module, "migrate", "--data", STATE)
    migrated = set(re.findall(r"^(\w+): ", said, re.MULTILINE))
    service = named(image)
    assert status == 0, said
    assert migrated == ({"gateway", "capture", "diff"} if service == "standalone" else {service})
