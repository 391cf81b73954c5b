"""Requests of which what may be large is left unread: trees stay the bytes that they came as.

A tree's message takes three to five times its bytes in memory, and tens of milliseconds to be made:
whoever is to read the tree, a process beside the service, does so. For this the contract's files
are copied into a pool of descriptors of their own, in which a field is `bytes` where it is
1. a tree, or
2. a repeated message (a map is one): of some bytes there may be millions of empty ones.
On the wire that is the same: a message within another one is its length and its bytes.

What a message has once merges where it is given twice, and of bytes the last ones count: so a
request in which a tree is given twice is refused, not read in part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any, Final, TypeVar

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.message import DecodeError, Message

from systemzero_core.errors import InvalidInput

M = TypeVar("M", bound=Message)
_TREE: Final = ".systemzero.tree.v1.Tree"
_FIELD: Final = descriptor_pb2.FieldDescriptorProto


def reader(kind: type[M]) -> Callable[[bytes], M]:
    """What reads requests of a `kind`; of what it makes, the fields named above are bytes.

    Raises, when it reads:
        DecodeError: that is no such message.
        InvalidInput: a tree is given more than once.
    """
    of_kind: Any = kind
    unread, counted = _class(of_kind, _Trees.ONE), partial(_class, of_kind, _Trees.EACH)
    trees = tuple(_trees_of(of_kind.DESCRIPTOR))

    def read(request: bytes) -> Any:
        message = unread.FromString(request)
        # its size costs as much as to encode it: nobody asks for it where there is no tree
        if any(_has(message, tree) for tree in trees) and message.ByteSize() != len(request):
            _check_once(counted().FromString(request))  # encoded in an unusual way, or given twice
        return message

    return read


def raw(field: Message | bytes) -> bytes:
    """The bytes of a field, of a request that was left unread or not."""
    return field if isinstance(field, bytes) else field.SerializeToString()


def read_as(kind: type[M], field: Message | bytes, name: str) -> M:
    """The message of a field; `name` is its path in the request.

    Raises:
        InvalidInput: it is none.
    """
    return _read(kind.FromString, kind, field, name)


def each_unread(kind: type[M], fields: Sequence[Message | bytes], name: str, most: int) -> list[M]:
    """The `most` messages of a repeated field, of which trees are unread in turn.

    Raises:
        InvalidInput: there are more, one is none, or gives a tree twice.
    """
    if len(fields) > most:
        raise InvalidInput.at(name, f"at most {most:,}, not {len(fields):,}")
    read = _reader(kind)
    return [_read(read, kind, field, f"{name}[{i}]") for i, field in enumerate(fields)]


def _read(read: Callable[[bytes], M], kind: type[M], field: Message | bytes, name: str) -> M:
    try:
        return read(raw(field))
    except DecodeError:
        what = f"no message of the type {kind.DESCRIPTOR.full_name}"
        raise InvalidInput.at(name, what) from None


_reader: Any = cache(reader)


class _Trees:
    """How the fields of trees are declared."""

    ONE: Final = _FIELD.LABEL_OPTIONAL
    EACH: Final = _FIELD.LABEL_REPEATED
    """As many as there are on the wire, so that they can be counted."""


@cache
def _class(kind: Any, trees: int) -> Any:
    pool = _pool(kind.DESCRIPTOR.file, trees)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(kind.DESCRIPTOR.full_name))


@cache
def _pool(file: FileDescriptor, trees: int) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for each in dict.fromkeys(_with_dependencies(file)):
        copied = descriptor_pb2.FileDescriptorProto()
        each.CopyToProto(copied)
        for message in copied.message_type:
            _leave_unread(message, trees)
        pool.Add(copied)
    return pool


def _with_dependencies(file: FileDescriptor) -> Iterator[FileDescriptor]:
    for other in file.dependencies:
        yield from _with_dependencies(other)
    yield file


def _leave_unread(message: descriptor_pb2.DescriptorProto, trees: int) -> None:
    for nested in message.nested_type:
        nested.options.ClearField("map_entry")
        _leave_unread(nested, trees)
    for field in message.field:
        if field.type_name == _TREE and field.label == _FIELD.LABEL_OPTIONAL:
            _declare_bytes(field)
            _present(message, field) if trees == _Trees.ONE else _counted(field)
        elif field.type == _FIELD.TYPE_MESSAGE and field.label == _FIELD.LABEL_REPEATED:
            _declare_bytes(field)


def _declare_bytes(field: descriptor_pb2.FieldDescriptorProto) -> None:
    field.type = _FIELD.TYPE_BYTES
    field.ClearField("type_name")


def _present(
    message: descriptor_pb2.DescriptorProto, field: descriptor_pb2.FieldDescriptorProto
) -> None:
    """Have the field be there or not, as a message is."""
    if not field.HasField("oneof_index"):
        field.oneof_index, field.proto3_optional = len(message.oneof_decl), True
        message.oneof_decl.add(name=f"_{field.name}")


def _counted(field: descriptor_pb2.FieldDescriptorProto) -> None:
    field.label = _FIELD.LABEL_REPEATED
    field.ClearField("oneof_index")


def _trees_of(kind: Descriptor, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of trees that are left unread in a message of a `kind`; none is within itself."""
    for field in kind.fields:
        inner = field.message_type
        if inner is None or field.is_repeated:
            continue
        if f".{inner.full_name}" == _TREE:
            yield (*path, field.name)
        else:
            yield from _trees_of(inner, (*path, field.name))


def _has(message: Any, path: Sequence[str]) -> bool:
    for name in path:
        if not message.HasField(name):
            return False
        message = getattr(message, name)
    return True


def _check_once(message: Any, path: str = "") -> None:
    for field, value in message.ListFields():
        name = f"{path}{field.name}"
        if field.message_type is not None:
            _check_once(value, f"{name}.")
        elif _is_tree(message, field.name) and len(value) > 1:
            raise InvalidInput.at(name, "given more than once: a tree is sent whole, and once")


def _is_tree(message: Any, name: str) -> bool:
    real = descriptor_pool.Default().FindMessageTypeByName(message.DESCRIPTOR.full_name)
    found = real.fields_by_name[name].message_type
    return found is not None and f".{found.full_name}" == _TREE
