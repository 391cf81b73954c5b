"""No secret leaves the edge, neither in a normal form nor in a capture that is sent as it is."""

from __future__ import annotations

import pytest

from systemzero_client import Document
from systemzero_client.edge import at_edge
from systemzero_core.errors import FailedPrecondition
from systemzero_core.redaction import Rules
from tests.support.planted import Planted, captures

SECRET = "Zq7hunter2"
PART = f'- textbox "Password" [ref=e1]: {SECRET}\n- <changed> button "Go" [ref=e2]\n'.encode()
"""Only what changed since another snapshot: incomplete."""


@pytest.mark.parametrize("planted", captures(SECRET), ids=lambda planted: planted.name)
def test_a_normal_form_has_no_secret(planted: Planted) -> None:
    sent = at_edge(Document(planted.data, planted.format, planted.dom, planted.frames))
    assert sent.digest is not None
    assert sent.has_secrets
    assert SECRET.encode() not in b"".join(part for part in sent.body if isinstance(part, bytes))


def test_an_incomplete_capture_is_sent_as_it_is_but_for_its_secrets() -> None:
    sent = at_edge(Document(PART, "aria"))
    assert (sent.digest, sent.has_secrets) == (None, True)
    assert SECRET.encode() not in sent.body.data
    assert b'<changed> button "Go"' in sent.body.data


def test_an_incomplete_capture_that_cannot_be_freed_of_a_secret_is_not_sent() -> None:
    spelt = PART.replace(b": Zq7hunter2", b': "Zq7\\x68unter2"')
    broken = f'- textbox "Password": {SECRET}\n- button "Go'.encode()
    for data in (spelt, broken):
        with pytest.raises(FailedPrecondition, match="was not sent"):
            at_edge(Document(data, "aria"))


def test_the_caller_may_name_more_secrets() -> None:
    document = Document(b'- textbox "Member": Zq7hunter2\n- button "Go"\n', "aria")
    assert SECRET.encode() in at_edge(document).body.data
    assert SECRET.encode() not in at_edge(document, Rules(names=["^member$"])).body.data
