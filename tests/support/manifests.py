"""The Kubernetes manifests as a cluster would get them, and their files laid out here."""

from __future__ import annotations

import os
import re
import shutil
from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from scripts.manifests.overlays import copy_of_the_tree, render

KUBECTL = shutil.which("kubectl")
SERVICES = ("gateway", "capture", "diff")
_DATA = {
    "gateway": "/var/lib/systemzero/gateway",
    "capture": "/var/lib/systemzero/capture",
    "diff": "/var/lib/systemzero/diff",
}

Object = Mapping[str, Any]


class Manifests:
    """Everything that an overlay applies."""

    def __init__(self, documents: Sequence[Object]) -> None:
        self.documents = documents

    def all(self, kind: str) -> dict[str, Any]:
        """The objects of a kind by name."""
        return {d["metadata"]["name"]: d for d in self.documents if d["kind"] == kind}

    def pod(self, name: str, kind: str = "Deployment") -> Any:
        """The specification of a workload's pods."""
        return self.all(kind)[name]["spec"]["template"]["spec"]

    def container(self, name: str, kind: str = "Deployment") -> Any:
        """The one container of a workload's pods."""
        (container,) = self.pod(name, kind)["containers"]
        return container

    def environment(self, name: str) -> dict[str, str]:
        """What a service finds in its environment: its image's, then its ConfigMap's."""
        own = _of_the_image(name)
        for source in self.container(name)["envFrom"]:
            own |= self.all("ConfigMap")[source["configMapRef"]["name"]]["data"]
        return own


def _of_the_image(name: str) -> dict[str, str]:
    prefix = f"SZ_{name.upper()}_"
    return {f"{prefix}DATA": _DATA[name], f"{prefix}TRUST": "/var/lib/systemzero/trust"}


def build(overlay: str, work: Path) -> Manifests:
    """What `kubectl apply -k` would apply; secrets from files are made below `work` first."""
    tree = work / "k8s" if (work / "k8s").exists() else copy_of_the_tree(work)
    documents = yaml.safe_load_all(render(tree / overlay))
    return Manifests([document for document in documents if document])


class Files:
    """The volumes of pods, as files below a folder of this machine."""

    def __init__(self, folder: Path, manifests: Manifests, sources: Mapping[str, Path]) -> None:
        """`sources` are folders with the keys of Secrets and ConfigMaps that no manifest has."""
        self._folder = folder
        self._manifests = manifests
        self._sources = sources

    def of(self, name: str, kind: str = "Deployment") -> dict[str, Path]:
        """Where each of a workload's mounts is, by its path in the pod; made where missing."""
        volumes = {volume["name"]: volume for volume in self._manifests.pod(name, kind)["volumes"]}
        found = {}
        for mount in self._manifests.container(name, kind)["volumeMounts"]:
            place = self._folder / name / mount["name"]
            self._lay_out(volumes[mount["name"]], place)
            found[mount["mountPath"]] = place
        return found

    def _lay_out(self, volume: Object, place: Path) -> None:
        if place.exists():
            return
        place.mkdir(parents=True)
        if "emptyDir" in volume:
            return
        secret = "secret" in volume
        source = volume["secret"]["secretName"] if secret else volume["configMap"]["name"]
        for key, data in self._data(source).items():
            (place / key).write_bytes(data)
            (place / key).chmod(0o400 if secret else 0o444)
        place.chmod(0o555)  # as mounted: nothing can be made there, but by root

    def _data(self, name: str) -> dict[str, bytes]:
        if name in self._sources:
            files = self._sources[name].iterdir()
            return {path.name: path.read_bytes() for path in files if path.is_file()}
        for kind, decode in (("Secret", b64decode), ("ConfigMap", str.encode)):
            if found := self._manifests.all(kind).get(name):
                return {key: decode(value) for key, value in found["data"].items()}
        raise AssertionError(f"no manifest and no source has {name}")


def here(text: str, places: Mapping[str, Path], addresses: Mapping[str, str]) -> str:
    """`text` with paths of the pod and names of the cluster as they are on this machine."""
    found = {**{path: str(place) for path, place in places.items()}, **addresses}
    longest_first = sorted(found, key=len, reverse=True)
    # in one go: what was put in is not looked at again
    return re.sub("|".join(map(re.escape, longest_first)), lambda match: found[match[0]], text)


def inherited() -> dict[str, str]:
    """This process's environment without settings of the platform."""
    return {key: value for key, value in os.environ.items() if not key.startswith("SZ_")}
