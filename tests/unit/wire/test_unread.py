"""Requests of which trees are left unread: the same bytes, nothing lost of them."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given
from hypothesis import strategies as st

from systemzero.capture.v1 import capture_service_pb2
from systemzero.diff.v1 import diff_service_pb2, template_pb2, template_service_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_core.errors import InvalidInput
from systemzero_wire.unread import each_unread, raw, read_as, reader

_TREE = tree_pb2.Tree(nodes=[tree_pb2.Node(parent=-1, role="main", name="Orders")])
_SOURCES = st.one_of(
    st.text(max_size=9).map(lambda text: tree_pb2.TreeSource(capture_id=text)),
    st.sampled_from([tree_pb2.Tree(), _TREE]).map(lambda tree: tree_pb2.TreeSource(tree=tree)),
    st.binary(max_size=9).map(
        lambda data: tree_pb2.TreeSource(native=tree_pb2.NativeCapture(data=data, frames=[data]))
    ),
    st.just(tree_pb2.TreeSource()),
)


@st.composite
def requests(draw: st.DrawFn) -> Message:
    """Requests of every kind that has trees in it."""
    a, b, word = draw(_SOURCES), draw(_SOURCES), draw(st.text(max_size=9))
    template = template_pb2.Template(
        template_id=word,
        metadata={word: word, "of": "two"},
        required_nodes=[template_pb2.NodeSelector(role=word)],
    )
    if draw(st.booleans()):
        template.tree.CopyFrom(_TREE)
    ingest = capture_service_pb2.IngestRequest(app=word, tree=_TREE)
    return draw(
        st.sampled_from(
            [
                diff_service_pb2.DiffRequest(a=a, b=b),
                diff_service_pb2.CheckRequest(
                    tree=a, app=word, incompleteness=[tree_pb2.Incompleteness(detail=word)]
                ),
                template_service_pb2.LearnTemplateRequest(screen_id=word, captures=[a, b]),
                template_service_pb2.UpdateTemplateRequest(template=template),
                capture_service_pb2.IngestStreamRequest(ingest=ingest),
            ]
        )
    )


@given(requests())
def test_nothing_of_a_request_is_lost_where_its_trees_are_unread(request: Message) -> None:
    message = reader(type(request))(request.SerializeToString())
    assert type(request).FromString(message.SerializeToString()) == request


@given(st.binary(max_size=200))
def test_bytes_that_are_no_request_are_refused_or_the_request_that_they_are(sent: bytes) -> None:
    kind = diff_service_pb2.DiffRequest
    try:
        message = reader(kind)(sent)
    except (DecodeError, InvalidInput):
        return
    try:
        expected = kind.FromString(sent)
    except DecodeError:  # of what is unread nobody has said yet that it is a tree
        return
    assert kind.FromString(message.SerializeToString()) == expected


def test_a_tree_is_the_bytes_that_came_and_known_to_be_there() -> None:
    sent = diff_service_pb2.DiffRequest(
        a=tree_pb2.TreeSource(tree=_TREE), b=tree_pb2.TreeSource(capture_id="cap")
    )
    message = reader(diff_service_pb2.DiffRequest)(sent.SerializeToString())
    assert raw(message.a.tree) == _TREE.SerializeToString()
    assert isinstance(message.a.tree, bytes)
    assert [source.WhichOneof("source") for source in (message.a, message.b)] == [
        "tree",
        "capture_id",
    ]
    ingest = capture_service_pb2.IngestRequest(tree=tree_pb2.Tree()).SerializeToString()
    assert reader(capture_service_pb2.IngestRequest)(ingest).WhichOneof("content") == "tree"


def test_a_tree_that_is_given_twice_is_refused_not_read_in_part() -> None:
    once = diff_service_pb2.DiffRequest(a=tree_pb2.TreeSource(tree=_TREE)).SerializeToString()
    assert len(diff_service_pb2.DiffRequest.FromString(once + once).a.tree.nodes) == 2
    with pytest.raises(InvalidInput, match="given more than once") as caught:
        reader(diff_service_pb2.DiffRequest)(once + once)
    assert [violation.field for violation in caught.value.violations] == ["a.tree"]


def test_a_request_that_says_what_need_not_be_said_is_read() -> None:
    sent = diff_service_pb2.CheckRequest(tree=tree_pb2.TreeSource(tree=_TREE)).SerializeToString()
    number = diff_service_pb2.CheckRequest.DESCRIPTOR.fields_by_name["app"].number
    with_default = sent + bytes([number << 3 | 2, 0])
    message = reader(diff_service_pb2.CheckRequest)(with_default)
    assert raw(message.tree.tree) == _TREE.SerializeToString()


def test_what_is_no_message_is_refused_by_the_name_of_its_field() -> None:
    with pytest.raises(InvalidInput, match=r"systemzero\.tree\.v1\.Tree") as caught:
        read_as(tree_pb2.Tree, b"\x0a\xff", "a.tree")
    assert [violation.field for violation in caught.value.violations] == ["a.tree"]
    with pytest.raises(InvalidInput) as caught:
        each_unread(tree_pb2.TreeSource, [b"", b"\x0a\xff"], "captures", 2)
    assert [violation.field for violation in caught.value.violations] == ["captures[1]"]


def test_millions_of_empty_messages_are_not_made() -> None:
    sent = template_service_pb2.LearnTemplateRequest(captures=[tree_pb2.TreeSource()] * 3)
    message = reader(template_service_pb2.LearnTemplateRequest)(sent.SerializeToString())
    assert list(message.captures) == [b"", b"", b""]
    with pytest.raises(InvalidInput, match="at most 2, not 3"):
        each_unread(tree_pb2.TreeSource, message.captures, "captures", 2)
