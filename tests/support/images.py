"""Images built by buildah and run as containers are, where neither Docker nor a registry is.

The bases are made by debootstrap, once, below `build/images`: a Debian with Python and pip to build
in, and of the same files those of Python and its libraries alone to run on, as a distroless base
has them. Both need root.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[2]
HOME = ROOT / "build" / "images"
TOOLS = ("buildah", "debootstrap", "unshare")
STATE = "/var/lib/systemzero"
_SUITE = "bookworm"
_RUN_TIME = (  # noqa: SIM905 - shorter than a list
    "base-files ca-certificates libbz2-1.0 libc6 libcom-err2 libcrypt1 libdb5.3 libexpat1 libffi8 "
    "libgcc-s1 libgssapi-krb5-2 libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 liblzma5 "
    "libncursesw6 libnsl2 libpython3.11-minimal libpython3.11-stdlib libreadline8 libsqlite3-0 "
    "libssl3 libstdc++6 libtinfo6 libtirpc3 libuuid1 python3 python3-minimal python3.11 "
    "python3.11-minimal tzdata zlib1g"
).split()
_OF_THE_MACHINE = ("/etc/ssl/certs", "/etc/pip.conf")
"""What pip is to trust and to ask, as on the machine itself."""


def why_not() -> str:
    """Why images can't be built here; empty where they can."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"no {', '.join(missing)} here"
    return "" if os.geteuid() == 0 else "images are built by root"


def buildah(*arguments: str) -> str:
    """What buildah prints."""
    places = ("--root", f"{HOME / 'storage'}", "--runroot", f"{HOME / 'run'}")
    command = ["buildah", *places, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-4_000:]
    return done.stdout.strip()


def build(service: str) -> str:
    """The image of a service, built from the repository; its name."""
    bases = _bases()
    name = f"localhost/systemzero-{service}"
    volumes = [f"--volume={path}:{path}:ro" for path in _OF_THE_MACHINE if Path(path).exists()]
    values = [f"--build-arg={key}={value}" for key, value in {"SERVICE": service, **bases}.items()]
    file = ("--file", "deploy/docker/Dockerfile", "--format", "docker")
    buildah("bud", "--isolation=chroot", "--layers", *volumes, *values, *file, "--tag", name, ".")
    return name


def _bases() -> dict[str, str]:
    found = {"BUILD_BASE": "localhost/build-base", "RUNTIME_BASE": "localhost/runtime-base"}
    if found["RUNTIME_BASE"] in buildah("images", "--format", "{{.Name}}"):
        return found
    HOME.mkdir(parents=True, exist_ok=True)
    full, slim, whole = HOME / "build-base", HOME / "runtime-base", HOME / "build-base.whole"
    if not whole.exists():
        shutil.rmtree(full, ignore_errors=True)
        _debootstrap(full)
        whole.touch()
    _copy_packages(full, slim)
    for folder, name in ((full, found["BUILD_BASE"]), (slim, found["RUNTIME_BASE"])):
        container = buildah("from", "scratch")
        buildah("copy", "--quiet", container, str(folder), "/")
        buildah("commit", "--quiet", "--rm", container, name)
    return found


def _debootstrap(folder: Path) -> None:
    indexes = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Release: {_SUITE}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    wanted = "--include=ca-certificates,python3,python3-pip"
    command = ["debootstrap", "--variant=minbase", wanted, _SUITE, str(folder), *indexes[:1]]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _copy_packages(source: Path, target: Path) -> None:
    """The files of the packages that Python needs to run, and nothing else."""
    shutil.rmtree(target, ignore_errors=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (target / "usr" / name).mkdir(parents=True)
        (target / name).symlink_to(f"usr/{name}")
    command = ["chroot", str(source), "dpkg", "-L", *_RUN_TIME]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    for path in sorted(source / line[1:] for line in listed if line.startswith("/")):
        if path.is_symlink() or path.is_file():
            real = path.parent.resolve().relative_to(source.resolve()) / path.name
            (target / real).parent.mkdir(parents=True, exist_ok=True)
            if not (target / real).is_symlink():
                shutil.copy2(path, target / real, follow_symlinks=False)
    certificates = Path("etc/ssl/certs")
    shutil.copytree(source / certificates, target / certificates, symlinks=True, dirs_exist_ok=True)
    for name in ("proc", "dev", "sys", "tmp"):
        (target / name).mkdir()


class Image(NamedTuple):
    """An image that is mounted; `config` is as Docker has it, `root` where its files are."""

    name: str
    config: dict[str, Any]
    root: Path

    @property
    def size(self) -> int:
        """Bytes of its files."""
        files = (path.lstat() for path in self.root.rglob("*") if not path.is_dir())
        return sum(file.st_size for file in files)

    def start(
        self, volume: Path, argv: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """A container whose state is in `volume`: its entry point, or `argv` in its place."""
        own = dict(line.split("=", 1) for line in self.config["Env"] or ())
        specification = {
            "root": str(self.root),
            "volumes": {STATE: str(volume)},
            "env": {"PATH": "/usr/bin:/bin", **own, **(env or {})},
            "cwd": self.config["WorkingDir"],
            "user": self.config["User"],
            "argv": list(argv) or self.config["Entrypoint"],
        }
        contained = str(Path(__file__).parent / "contained.py")
        command = ["unshare", "--mount", sys.executable, contained, json.dumps(specification)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, volume: Path, *argv: str) -> tuple[int, str]:
        """Status and output of a command in a container of its own."""
        process = self.start(volume, argv)
        said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said


@contextmanager
def mounted(name: str) -> Iterator[Image]:
    """The image, with a container of its own to look into."""
    container = buildah("from", name)
    try:
        config = json.loads(buildah("inspect", "--type=image", name))["Docker"]["config"]
        yield Image(name, config, Path(buildah("mount", container)))
    finally:
        buildah("umount", container)
        buildah("rm", container)


@contextmanager
def running(image: Image, volume: Path, env: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    """A container of the image: what it announced, and after how many seconds."""
    started = time.monotonic()
    process = image.start(volume, env=env)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert "listening on" in said, said + process.communicate()[0]
        yield said, time.monotonic() - started
        process.terminate()
        assert process.wait(PATIENCE) == 0, process.communicate()[0]
    finally:
        process.kill()
        process.communicate()
