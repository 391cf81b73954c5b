"""How noisy a template is: the alarms that good captures would have raised, by leave-one-out.

Each good capture is judged by the template that the *other* good captures teach. It was good, so
whatever it raises is noise. A template learnt from all of them knows one capture more than any of
those that were counted, so the figure errs on the noisy side; from two captures, it is that of
templates learnt from one.

Few captures say little: `alarms_at_most` is the exact upper limit at 95 % (Clopper and Pearson:
The use of confidence or fiducial limits, Biometrika 26, 1934), which no alarm in n captures puts at
about 3/n.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import comb, fsum

from systemzero_core.diff import EditScript, Prepared, diff
from systemzero_core.drift.detectors import BUILT_IN
from systemzero_core.drift.judge import judge
from systemzero_core.drift.model import Detector, Judgement, Severity, Verdict
from systemzero_core.template.learn import learn
from systemzero_core.template.model import STRICT_POLICY, Noise, Policy, Template
from systemzero_core.tree import Tree

MAX_HELD_OUT = 20
"""Captures that are left out in turn, at most: evenly spread over all."""

_MAX_NODES_READ = 400_000
"""Nodes read while learning, at most: some seconds. Past it fewer captures are left out."""

_DOUBT = 0.05
_HALVINGS = 40


def estimate_noise(
    captures: Sequence[Tree],
    policy: Policy = STRICT_POLICY,
    *,
    detectors: Sequence[Detector] = BUILT_IN,
) -> Noise | None:
    """What good `captures` (in normal form, oldest first) raise against each other.

    `policy` is what was known to vary before any of them. None for fewer than two captures.

    Raises:
        InvalidInput: see `learn`.
    """
    if len(captures) < 2:
        return None
    scripts = _Scripts(captures)
    held = _held_out(captures)
    judgements = [_judged(captures, at, policy, scripts, detectors) for at in held]
    events = [j for j in judgements if j.verdict is Verdict.DRIFT]
    alarms = [j for j in events if j.severity.rank >= Severity.WARNING.rank]
    return Noise(len(held), len(alarms), len(events))


def per_thousand(count: int, held_out: int) -> float:
    """`count` of `held_out` captures, as a number of a thousand."""
    return round(1_000 * count / held_out, 1)


def at_most_per_thousand(count: int, held_out: int) -> float:
    """The most of a thousand that is consistent, at 95 %, with `count` of `held_out`."""
    low, high = count / held_out, 1.0
    if count == held_out:
        return 1_000.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _at_most(count, held_out, middle) > _DOUBT:
            low = middle
        else:
            high = middle
    return round(1_000 * high, 1)


def _at_most(count: int, of: int, rate: float) -> float:
    """The probability of at most `count` of `of` cases that come at `rate`."""
    return fsum(
        comb(of, k) * rate**k * (1 - rate) ** (of - k)  # at most 20 cases: no underflow
        for k in range(count + 1)
    )


class _Scripts:
    """Exact scripts between captures, by identity: what is left out changes few of them."""

    def __init__(self, captures: Sequence[Tree]) -> None:
        self._trees = {id(tree): tree for tree in captures}
        self._script = cache(self._diff)
        self._prepared = cache(lambda key: Prepared(self._trees[key]))

    def __call__(self, a: Tree, b: Tree) -> EditScript:
        """The script from `a` to `b`, both among the captures."""
        return self._script(id(a), id(b))

    def _diff(self, a: int, b: int) -> EditScript:
        return diff(self._prepared(a), self._trees[b])


def _held_out(captures: Sequence[Tree]) -> list[int]:
    each = max(1, sum(map(len, captures)))
    count = min(len(captures), MAX_HELD_OUT, max(2, _MAX_NODES_READ // each))
    return [k * len(captures) // count for k in range(count)]


def _judged(
    captures: Sequence[Tree],
    at: int,
    policy: Policy,
    scripts: _Scripts,
    detectors: Sequence[Detector],
) -> Judgement:
    others = [tree for i, tree in enumerate(captures) if i != at]
    learned = learn(others, policy, compare=scripts)
    template = Template(
        template_id="",
        screen_id="",
        tree=learned.tree,
        required_nodes=learned.required_nodes,
        policy=learned.policy,
    )
    script = scripts(learned.tree, captures[at])
    return judge(template, captures[at], script, detectors=detectors)
