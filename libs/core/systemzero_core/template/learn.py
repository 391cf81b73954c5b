"""Learning a baseline from good captures: what varied between them is not drift.

One capture tells what changes by itself (`template.live`) and which rows are data
(`template.tables`); all else is strict. Other numbers in it are named in the inferences and weigh
next to nothing when they change, but they do show: that they vary is a guess until a second capture
says so. From two captures on:

1. texts that varied become typed wildcards, the narrowest that cover all that was seen;
2. rows whose number varied become a repeated pattern, whose texts may be anything;
3. what came and went becomes optional; what changed its order, unordered;
4. boxes may be off by what they were off by.

Every inference says what it rests on. Earlier rules of a policy stay; new ones come after them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from systemzero_core.diff import EditScript, diff
from systemzero_core.errors import InvalidInput
from systemzero_core.template.assume import assume
from systemzero_core.template.evidence import Evidence
from systemzero_core.template.infer import Inference, Rulebook, infer, live_texts
from systemzero_core.template.model import STRICT_POLICY, Policy, Rule, Selector, Template
from systemzero_core.template.policy_filter import PolicyFilter
from systemzero_core.template.required import required_nodes
from systemzero_core.template.resolve import CompiledPolicy
from systemzero_core.template.update import rebased
from systemzero_core.tree import Tree

MAX_CAPTURES = 50
"""Captures that one template is learnt from, at most."""


Compare = Callable[[Tree, Tree], EditScript]
"""The exact diff of a baseline and another capture."""


class Learned(msgspec.Struct, frozen=True):
    """What captures taught.

    Attributes:
        tree: the baseline: the newest capture.
        required_nodes: nodes that identify the screen, of those that every capture has.
        policy: what may vary.
        inferences: what was inferred and why; of one capture, what looks live.
    """

    tree: Tree
    required_nodes: tuple[Selector, ...]
    policy: Policy
    inferences: tuple[Inference, ...]


def learn(
    captures: Sequence[Tree],
    policy: Policy = STRICT_POLICY,
    *,
    compare: Compare = diff,
    guess: bool = True,
) -> Learned:
    """What `captures` (in normal form, oldest first) have in common, and what varies.

    `policy` is what is known to vary already; `compare` is for those who learn from the same
    captures again and again and remember the scripts. Without `guess`, what does not differ between
    two captures is not let vary.

    Raises:
        InvalidInput: no captures, more than `MAX_CAPTURES`, or an empty one.
    """
    if not 1 <= len(captures) <= MAX_CAPTURES:
        raise InvalidInput.at("captures", f"give 1 to {MAX_CAPTURES}, not {len(captures)}")
    for i, capture in enumerate(captures):
        if not len(capture):
            raise InvalidInput.at(f"captures[{i}]", "is empty")
    baseline = captures[-1]
    evidence = _evidence(baseline, captures[:-1], policy, compare)
    found = infer(evidence)
    guessed = assume(baseline, policy) if guess else Rulebook(1)
    guesses = _unseen(guessed, (*policy.rules, *found.rules))
    inferences = [*found.inferences, *(inference for _, inference in guesses)]
    if len(captures) == 1:
        inferences += live_texts(baseline, guessed.unstable)
    # What is known comes after what is guessed, so that it holds where both speak.
    known = msgspec.structs.replace(policy, rules=(*(rule for rule, _ in guesses), *policy.rules))
    required = required_nodes(baseline, found.unstable | guessed.unstable)
    said = tuple(dict.fromkeys(inferences))
    return Learned(baseline, required, _extended(known, found), said)


def refine(template: Template, tree: Tree, capture_id: str = "") -> tuple[Template, Learned]:
    """The next version of `template` with one more good capture taken in, and what that taught.

    The baseline becomes the new capture, what the policy did not let pass between the two is let
    pass from now on. Required nodes that the capture lacks are required no more.

    Raises:
        InvalidInput: the capture is empty.
    """
    known = (template.tree,) if template.tree is not None else ()
    learned = learn((*known, tree), template.policy, guess=not known)
    newer = rebased(template, tree, capture_id)
    required = newer.required_nodes or learned.required_nodes
    return msgspec.structs.replace(newer, policy=learned.policy, required_nodes=required), learned


def _evidence(baseline: Tree, others: Sequence[Tree], policy: Policy, compare: Compare) -> Evidence:
    evidence = Evidence(baseline, len(others) + 1)
    compiled = CompiledPolicy(policy)
    for other in others:
        script = compare(baseline, other)
        edits = PolicyFilter(script, baseline, other, compiled).edits()
        evidence.add(other, script, edits)
    return evidence


def _unseen(guessed: Rulebook, rules: Iterable[Rule]) -> list[tuple[Rule, Inference]]:
    """The guesses that are none of `rules`, which rest on more."""
    held = set(map(_bare, rules))
    both = zip(guessed.rules, guessed.inferences, strict=True)
    return [(rule, why) for rule, why in both if _bare(rule) not in held]


def _bare(rule: Rule) -> str:
    """A rule, whatever it says of where it comes from."""
    return repr(msgspec.structs.replace(rule, why=""))


def _extended(policy: Policy, found: Rulebook) -> Policy:
    known = set(map(_bare, policy.rules))
    fresh = [rule for rule in found.rules if _bare(rule) not in known]
    return msgspec.structs.replace(
        policy,
        rules=(*policy.rules, *fresh),
        box_tolerance=max(policy.box_tolerance, found.box_tolerance),
    )
