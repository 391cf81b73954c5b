"""Which rates a pair counts in, and what a judgement says for or against them."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks._corpus import Pair
from systemzero_core.drift import Judgement, Severity, Verdict

RELOAD = "benign:reload"
_RESIZED = "benign:resized"
_SHOWN_EDITS = 3


def rates_of(pair: Pair) -> Iterator[str]:
    """The rates that a pair counts in."""
    if pair.kind.startswith("benign:"):
        named = {RELOAD: "reload", _RESIZED: "resize"}.get(pair.kind, "data")
        yield from (f"{named}_alarm_rate", f"{named}_event_rate")
    if pair.identical:
        yield from ("identical_alarm_rate", "identical_event_rate")
    if pair.kind == "version-drift" and pair.differing:
        yield "drift_detection_rate"


def rate_of_two(pair: Pair) -> str:
    """The rate that a pair counts in when both of its captures were learnt; empty for none."""
    if pair.kind == RELOAD:
        return "reload_alarm_rate_of_two"
    return "data_alarm_rate_of_two" if "data_alarm_rate" in rates_of(pair) else ""


def is_event(judgement: Judgement, least: Severity) -> bool:
    """Whether it is drift of severity `least` or worse."""
    return judgement.verdict is Verdict.DRIFT and judgement.severity.rank >= least.rank


def reason(judgement: Judgement) -> str:
    """The verdict and the first few changes."""
    said = [edit.edit.sentence for edit in judgement.edits[:_SHOWN_EDITS]]
    more = len(judgement.edits) - len(said)
    tail = f" and {more} more" if more else ""
    found = "; ".join([*judgement.reasons, *said]) or "no edit counts"
    return (
        f"{judgement.verdict} {judgement.severity} similarity {judgement.similarity:.3f}: "
        f"{found}{tail}"
    )
