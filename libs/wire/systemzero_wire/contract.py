"""The contract as the running program knows it: every service of the package `systemzero`.

Source of truth are the descriptors of the generated modules, so that a new RPC needs no code here.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

import systemzero


@cache
def services() -> tuple[ServiceDescriptor, ...]:
    """The descriptors of all services of the contract, by full name."""
    files = [importlib.import_module(name).DESCRIPTOR for name in _modules()]
    pool = descriptor_pool.Default()
    found = [
        pool.FindServiceByName(service.full_name)
        for file in files
        for service in file.services_by_name.values()
    ]
    return tuple(sorted(found, key=lambda service: service.full_name))


def methods() -> dict[str, MethodDescriptor]:
    """Every RPC by its path, such as `/systemzero.log.v1.LogService/ListEntries`."""
    return {
        f"/{service.full_name}/{method.name}": method
        for service in services()
        for method in service.methods
    }


def _modules() -> list[str]:
    # `systemzero` is a namespace without __init__ files, which pkgutil does not walk.
    return [
        ".".join(["systemzero", *path.relative_to(root).with_suffix("").parts])
        for root in systemzero.__path__
        for path in sorted(Path(root).rglob("*_pb2.py"))
    ]
