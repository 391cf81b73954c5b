"""Whether a message has a request id, for a gateway that reads nothing else of it.

It is asked only where a call has failed and might be sent again.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_NAME: Final = "RequestId"
_FIELD: Final = descriptor_pb2.FieldDescriptorProto


def has_request_id(message: bytes, field: int) -> bool:
    """Whether the text in the field numbered `field` is there and not empty.

    Of a message that is none, it is not. Linear in the message, whose other fields are skipped.
    """
    try:
        return bool(_reader(field).FromString(message).value)
    except DecodeError:
        return False


@cache
def _reader(number: int) -> Any:
    """A class of messages that know the one field; as bytes, whose characters nobody checks."""
    file = descriptor_pb2.FileDescriptorProto(name="request_id.proto", syntax="proto3")
    file.message_type.add(name=_NAME).field.add(
        name="value", number=number, type=_FIELD.TYPE_BYTES, label=_FIELD.LABEL_OPTIONAL
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(_NAME))
