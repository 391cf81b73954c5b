"""The Kubernetes manifests: what they promise, against the settings that services really have."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from systemzero_base.settings.config import ConfigError, Settings, load
from systemzero_capture.config import CaptureSettings
from systemzero_diff.config import DiffSettings
from systemzero_gateway.config import GatewaySettings
from tests.support.deployed import seconds_to_stop
from tests.support.manifests import KUBECTL, SERVICES, Manifests, build

pytestmark = pytest.mark.skipif(
    KUBECTL is None and not os.environ.get("CI"), reason="no kubectl here"
)

OVERLAYS = ("dev", "production")
SETTINGS: dict[str, type[Settings]] = {
    "gateway": GatewaySettings,
    "capture": CaptureSettings,
    "diff": DiffSettings,
}


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return build(f"overlays/{request.param}", tmp_path_factory.mktemp("manifests"))


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    return build("overlays/production", tmp_path_factory.mktemp("production"))


def settings_of(manifests: Manifests, name: str) -> Any:
    environment = manifests.environment(name)
    return load(SETTINGS[name], None, environment, f"SZ_{name.upper()}_")


@pytest.mark.parametrize("name", SERVICES)
def test_every_setting_of_a_manifest_is_one_that_the_service_has(
    manifests: Manifests, name: str
) -> None:
    settings = settings_of(manifests, name)
    assert settings.database.url_file is not None
    environment = {**manifests.environment(name), f"SZ_{name.upper()}_LISTENN": "x"}
    with pytest.raises(ConfigError, match="listenn"):
        load(SETTINGS[name], None, environment, f"SZ_{name.upper()}_")


@pytest.mark.parametrize("name", SERVICES)
def test_ports_and_probes_are_those_that_the_service_listens_on(
    manifests: Manifests, name: str
) -> None:
    settings, container = settings_of(manifests, name), manifests.container(name)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert settings.listen == f"0.0.0.0:{ports['grpc']}"
    assert settings.health == f"0.0.0.0:{ports['health']}"
    service = manifests.all("Service")[name]["spec"]
    assert [port["port"] for port in service["ports"]] == [ports["grpc"]]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["grpc"]["port"] == ports["health"]
    assert settings.ops.listen == f"0.0.0.0:{ports['ops']}"
    if name != "gateway":
        assert service["clusterIP"] == "None"
    else:
        assert all(target.startswith("dns:///") for target in settings.backends.values())


@pytest.mark.parametrize("name", SERVICES)
def test_a_pod_has_time_for_its_drain(manifests: Manifests, name: str) -> None:
    pod, container = manifests.pod(name), manifests.container(name)
    waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    takes = waits + seconds_to_stop(settings_of(manifests, name))
    assert takes <= pod["terminationGracePeriodSeconds"]


def test_pods_get_no_more_than_they_need(manifests: Manifests) -> None:
    workloads = [(name, "Deployment") for name in manifests.all("Deployment")]
    for name, kind in [*workloads, ("migrate", "Job")]:
        pod, container = manifests.pod(name, kind), manifests.container(name, kind)
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        assert not pod["automountServiceAccountToken"]
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory", "ephemeral-storage"}
        secrets = {v["name"] for v in pod["volumes"] if "secret" in v or "configMap" in v}
        mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
        assert all(mounts[volume].get("readOnly") for volume in secrets)
    (namespace,) = manifests.all("Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_nothing_is_reachable_from_outside_but_the_gateway(manifests: Manifests) -> None:
    policies = manifests.all("NetworkPolicy")
    assert policies["default-deny"]["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    open_to_all = {
        name
        for name, policy in policies.items()
        for rule in policy["spec"].get("ingress", ())
        if "from" not in rule
    }
    assert open_to_all == {"gateway"}
    (rule,) = policies["gateway"]["spec"]["ingress"]
    assert rule["ports"] == [{"port": "grpc"}]
    for policy in policies.values():
        assert all("to" in rule and rule["ports"] for rule in policy["spec"].get("egress", ()))
    assert {port["port"] for port in policies["dns"]["spec"]["egress"][0]["ports"]} == {53}


def test_replicas_are_the_autoscalers_and_in_several_zones(production: Manifests) -> None:
    scaled = {
        scaler["spec"]["scaleTargetRef"]["name"]: scaler["spec"]
        for scaler in production.all("HorizontalPodAutoscaler").values()
    }
    assert set(scaled) == set(SERVICES)
    assert all(spec["minReplicas"] >= 2 for spec in scaled.values())
    for name, deployment in production.all("Deployment").items():
        assert "replicas" not in deployment["spec"]  # it would undo the autoscaler's
        zones = production.pod(name)["topologySpreadConstraints"][1]
        assert zones["whenUnsatisfiable"] == "DoNotSchedule"
    for budget in production.all("PodDisruptionBudget").values():
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert set(production.all("PodDisruptionBudget")) == set(SERVICES)
    # several gateways share their limits, and none goes on without them
    gateway = settings_of(production, "gateway")
    assert gateway.limits.store.startswith("rediss://")
    assert gateway.limits.on_store_failure == "deny"


def test_every_hop_of_production_is_encrypted(production: Manifests) -> None:
    for name in SERVICES:
        settings = settings_of(production, name)
        assert settings.tls is not None
        assert settings.backend_tls.certificate is not None
    for name in ("capture", "diff"):
        assert settings_of(production, name).tls.client_ca is not None


def test_images_of_production_are_named_by_digest(production: Manifests) -> None:
    kinds = [("Deployment", name) for name in production.all("Deployment")] + [("Job", "migrate")]
    for kind, name in kinds:
        assert re.search(r"@sha256:[0-9a-f]{64}$", production.container(name, kind)["image"])


def test_what_a_manifest_refers_to_is_there(manifests: Manifests) -> None:
    settings = manifests.all("ConfigMap")
    for name in SERVICES:
        for source in manifests.container(name)["envFrom"]:
            assert source["configMapRef"]["name"] in settings
        accounts = manifests.all("ServiceAccount")
        assert manifests.pod(name)["serviceAccountName"] in accounts
    secrets = {
        volume["secret"]["secretName"]
        for kind in ("Deployment", "Job")
        for name in manifests.all(kind)
        for volume in manifests.pod(name, kind)["volumes"]
        if "secret" in volume
    }
    if "postgresql" in manifests.all("Deployment"):  # dev brings everything
        assert secrets <= set(manifests.all("Secret"))
