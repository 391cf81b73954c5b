"""What an inconclusive verdict says, of however many reasons."""

from __future__ import annotations

from systemzero.diff.v1 import verdict_pb2
from systemzero_diff.codec.verdicts import inconclusive, undecidable
from systemzero_diff.model import Judged


def explanation(judged: Judged) -> str:
    return verdict_pb2.Verdict.FromString(judged.body).explanation


def test_reasons_are_few_and_the_rest_is_counted() -> None:
    reasons = [f"reason {i}" for i in range(100)]
    for said in map(explanation, (inconclusive(reasons), undecidable(reasons))):
        assert "reason 19" in said
        assert "reason 20" not in said
        assert said.endswith("; and 80 more")
    assert explanation(inconclusive(["one"])).endswith("incomplete: one")
