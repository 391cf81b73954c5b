"""New versions of a template. Each keeps the policy; see the invariants of `template.model`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from systemzero_core.diff import diff
from systemzero_core.signature import sign
from systemzero_core.template.find import Finder
from systemzero_core.template.model import Policy, Rule, Template
from systemzero_core.tree import Tree

MAX_CAPTURES = 50
"""Ids of captures that a template remembers: the last ones."""


def next_version(template: Template, changes: Mapping[str, Any]) -> Template:
    """The version after `template`, with `changes` by field name; the identity never changes."""
    kept = {k: v for k, v in changes.items() if k not in ("template_id", "version")}
    return msgspec.structs.replace(template, version=template.version + 1, **kept)


def signed(template: Template) -> Template:
    """`template` with the digests of its tree; as it is where it has none."""
    if template.tree is None:
        return template
    digests = sign(template.tree)
    return msgspec.structs.replace(
        template,
        structure_signature=digests.structure.hex(),
        full_signature=digests.full.hex(),
    )


def rebased(template: Template, tree: Tree, capture_id: str = "") -> Template:
    """The next version with an approved capture's `tree` as its baseline.

    Required nodes that the approved tree lacks are required no more: they were approved away.
    Rules that tell their node by its place are put right for the new tree; of those, one whose node
    is gone goes with it.
    """
    finder = Finder(tree)
    policy = template.policy
    if template.tree is not None and any(rule.select.nth for rule in policy.rules):
        policy = _replaced(policy, template.tree, tree)
    captures = (*template.captures, capture_id) if capture_id else template.captures
    return signed(
        next_version(
            template,
            {
                "tree": tree,
                "policy": policy,
                "required_nodes": tuple(filter(finder.has, template.required_nodes)),
                "captures": captures[-MAX_CAPTURES:],
            },
        )
    )


def _replaced(policy: Policy, old: Tree, new: Tree) -> Policy:
    """`policy` with each `nth` counted in `new` for the node that it told in `old`."""
    mapping = diff(old, new).mapping
    finders = (Finder(old), Finder(new))
    places: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
    rules: list[Rule] = []
    for rule in policy.rules:
        if not rule.select.nth:
            rules.append(rule)
            continue
        key = repr(msgspec.structs.replace(rule.select, nth=0))
        if key not in places:
            places[key] = (finders[0].places(rule.select), finders[1].places(rule.select))
        before, after = places[key]
        for node, place in before.items():
            target = mapping[node]
            if place == rule.select.nth and target in after:
                select = msgspec.structs.replace(rule.select, nth=after[target])
                rules.append(msgspec.structs.replace(rule, select=select))
    return msgspec.structs.replace(policy, rules=tuple(rules))
