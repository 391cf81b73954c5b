"""U+0000 in every text field of every RPC, on PostgreSQL, which can't store it: never a bug."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.e2e.test_every_method import called
from tests.support.exposed import METHODS
from tests.support.platform import Platform, running
from tests.support.postgres import Server, migrated

Steps = tuple[FieldDescriptor, ...]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("nul")
    server = postgres.fresh()
    with running("standalone", folder / "data", database=migrated(server, folder)) as started:
        yield started
    server.drop()


def texts(kind: Descriptor, depth: int = 0) -> Iterator[Steps]:
    """Every text field of a message that is not within a list or a map."""
    for field in kind.fields:
        if field.is_repeated:
            continue
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING and not _is_bytes(field):
            yield (field,)
        elif field.message_type is not None and depth < 2:
            yield from ((field, *rest) for rest in texts(field.message_type, depth + 1))


def _is_bytes(field: FieldDescriptor) -> bool:
    return field.type == FieldDescriptor.TYPE_BYTES


def _with(kind: Any, steps: Steps) -> Message:
    """A message with the character in this text, and something in those beside it."""
    request: Message = kind()
    for other in texts(kind.DESCRIPTOR):
        if len(other) == 1:
            setattr(request, other[0].name, "x")
    target: Any = request
    for step in steps[:-1]:
        target = getattr(target, step.name)
    setattr(target, steps[-1].name, "a\0b")
    return request


@pytest.mark.parametrize("path", sorted(METHODS))
def test_no_text_field_ends_in_an_internal_error(stored: Platform, path: str) -> None:
    method = METHODS[path]
    kind = GetMessageClass(method.input_type)
    for steps in texts(method.input_type):
        code = called(stored, method, [_with(kind, steps)])
        assert code is not grpc.StatusCode.INTERNAL
