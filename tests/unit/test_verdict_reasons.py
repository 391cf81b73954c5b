"""What an inconclusive verdict says, of however many reasons."""

from __future__ import annotations

from systemzero_diff.codec.verdicts import inconclusive, undecidable


def test_reasons_are_few_and_the_rest_is_counted() -> None:
    reasons = [f"reason {i}" for i in range(100)]
    for said in (inconclusive(reasons), undecidable(reasons)):
        assert "reason 19" in said.explanation
        assert "reason 20" not in said.explanation
        assert said.explanation.endswith("; and 80 more")
    assert inconclusive(["one"]).explanation.endswith("incomplete: one")
