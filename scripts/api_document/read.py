"""The protos' descriptors, each beside the comment that stands over it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent.parent.parent / "protos"
# Numbers of descriptor.proto's fields, of which a location's path is made.
_MESSAGE, _ENUM, _SERVICE, _FIELD, _VALUE, _METHOD, _NESTED, _NESTED_ENUM = 4, 5, 6, 2, 2, 2, 3, 4


class Method(NamedTuple):
    """An RPC, and its comment."""

    proto: MethodDescriptorProto
    comment: str


class Service(NamedTuple):
    """A service: full name, comment, RPCs in the order of the file."""

    name: str
    comment: str
    methods: tuple[Method, ...]


class Field(NamedTuple):
    """A field; `oneof` is the name of the group of which one may be set, or empty."""

    proto: FieldDescriptorProto
    comment: str
    oneof: str


class Message(NamedTuple):
    """A message: full name, comment, fields; `entry` is set for what protoc makes of a map."""

    name: str
    comment: str
    fields: tuple[Field, ...]
    entry: DescriptorProto | None


class Enum(NamedTuple):
    """An enum: full name, comment, values as name and comment."""

    name: str
    comment: str
    values: tuple[tuple[str, str], ...]


class Package(NamedTuple):
    """What the files of one package hold."""

    name: str
    services: tuple[Service, ...]
    messages: tuple[Message, ...]
    enums: tuple[Enum, ...]


def contract() -> tuple[Package, ...]:
    """The packages of the contract, by name.

    Raises:
        RuntimeError: protoc found an error, which it printed.
    """
    described = [_File(file) for file in _described().file if file.package.startswith("systemzero")]
    names = sorted({file.proto.package for file in described})
    return tuple(
        _package(name, [f for f in described if f.proto.package == name]) for name in names
    )


def _package(name: str, of: Sequence[_File]) -> Package:
    return Package(
        name,
        tuple(service for file in of for service in file.services()),
        tuple(message for file in of for message in file.messages()),
        tuple(enum for file in of for enum in file.enums()),
    )


def _described() -> FileDescriptorSet:
    sources = sorted(str(p.relative_to(PROTOS)) for p in PROTOS.rglob("systemzero/**/*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "set"
        options = [f"-I{PROTOS}", f"-I{files('grpc_tools') / '_proto'}", "--include_source_info"]
        if protoc.main(["protoc", *options, f"--descriptor_set_out={output}", *sources]):
            raise RuntimeError("protoc failed")
        return FileDescriptorSet.FromString(output.read_bytes())


class _File:
    """One file's parts; a path is the way to a part by numbers, as descriptor.proto explains."""

    def __init__(self, proto: FileDescriptorProto) -> None:
        self.proto = proto
        self._comments = {
            tuple(place.path): " ".join(place.leading_comments.split())
            for place in proto.source_code_info.location
        }

    def _comment(self, *path: int) -> str:
        return self._comments.get(path, "")

    def services(self) -> Iterator[Service]:
        for i, service in enumerate(self.proto.service):
            methods = tuple(
                Method(method, self._comment(_SERVICE, i, _METHOD, j))
                for j, method in enumerate(service.method)
            )
            name = f"{self.proto.package}.{service.name}"
            yield Service(name, self._comment(_SERVICE, i), methods)

    def messages(self) -> Iterator[Message]:
        for i, message in enumerate(self.proto.message_type):
            yield from self._message(message, self.proto.package, (_MESSAGE, i))

    def _message(
        self, message: DescriptorProto, owner: str, path: tuple[int, ...]
    ) -> Iterator[Message]:
        name = f"{owner}.{message.name}"
        fields = tuple(
            Field(field, self._comment(*path, _FIELD, i), _oneof(message, field))
            for i, field in enumerate(message.field)
        )
        entry = message if message.options.map_entry else None
        yield Message(name, self._comment(*path), fields, entry)
        for i, nested in enumerate(message.nested_type):
            yield from self._message(nested, name, (*path, _NESTED, i))

    def enums(self) -> Iterator[Enum]:
        for i, enum in enumerate(self.proto.enum_type):
            yield self._enum(enum, self.proto.package, (_ENUM, i))
        for i, message in enumerate(self.proto.message_type):
            for j, enum in enumerate(message.enum_type):
                owner = f"{self.proto.package}.{message.name}"
                yield self._enum(enum, owner, (_MESSAGE, i, _NESTED_ENUM, j))

    def _enum(self, enum: EnumDescriptorProto, owner: str, path: tuple[int, ...]) -> Enum:
        values = tuple(
            (value.name, self._comment(*path, _VALUE, i)) for i, value in enumerate(enum.value)
        )
        return Enum(f"{owner}.{enum.name}", self._comment(*path), values)


def _oneof(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    if not field.HasField("oneof_index") or field.proto3_optional:
        return ""
    return message.oneof_decl[field.oneof_index].name
