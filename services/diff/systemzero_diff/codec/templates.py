"""Templates and their policies between the contract and the domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from systemzero.diff.v1 import template_pb2 as pb
from systemzero_core.drift import at_most_per_thousand, per_thousand
from systemzero_core.errors import InvalidInput
from systemzero_core.normalize import normalize
from systemzero_core.redaction import Rules, redact
from systemzero_core.signature import Signatures, sign
from systemzero_core.template import (
    DEFAULT_BOX_TOLERANCE,
    MatchLevel,
    Noise,
    Order,
    Policy,
    Rows,
    Rule,
    Scope,
    Selector,
    Template,
)
from systemzero_core.tree import Tree
from systemzero_diff.model import StoredTemplate
from systemzero_storage.tree_body import StoredTree
from systemzero_wire import fields
from systemzero_wire.trees import decode_tree, encode_signatures, encode_tree

V = TypeVar("V")
W = TypeVar("W")

MAX_SELECTOR_DEPTH = 20
"""Selectors of ancestors nest at most so deep."""

_LEVELS = {
    pb.MATCH_LEVEL_UNSPECIFIED: None,
    pb.MATCH_LEVEL_STRICT: MatchLevel.STRICT,
    pb.MATCH_LEVEL_LAYOUT: MatchLevel.LAYOUT,
    pb.MATCH_LEVEL_CONTENT: MatchLevel.CONTENT,
    pb.MATCH_LEVEL_IGNORE: MatchLevel.IGNORE,
}
_LEVEL_VALUES = {level: value for value, level in _LEVELS.items()}
_ORDERS = {
    pb.CHILD_ORDER_UNSPECIFIED: None,
    pb.CHILD_ORDER_ORDERED: Order.ORDERED,
    pb.CHILD_ORDER_UNORDERED: Order.UNORDERED,
}
_ORDER_VALUES = {order: value for value, order in _ORDERS.items()}
_SCOPES = {
    pb.RULE_SCOPE_UNSPECIFIED: Scope.SUBTREE,
    pb.RULE_SCOPE_SUBTREE: Scope.SUBTREE,
    pb.RULE_SCOPE_NODE: Scope.NODE,
}


def decode_policy(message: pb.TemplatePolicy) -> Policy:
    """The policy in `message`.

    Raises:
        InvalidInput: an unknown enum value, or selectors nested too deep.
    """
    tolerance = DEFAULT_BOX_TOLERANCE
    if message.HasField("box_tolerance"):
        tolerance = message.box_tolerance
    return Policy(
        level=_known(_LEVELS, message.level, "policy.level") or MatchLevel.STRICT,
        box_tolerance=tolerance,
        rules=tuple(_rule(rule, f"policy.rules[{i}]") for i, rule in enumerate(message.rules)),
    )


def _known(words: Mapping[V, W], value: V, field: str) -> W:
    if value not in words:
        raise InvalidInput.at(field, f"{value} is none of the contract's values")
    return words[value]


def _rule(message: pb.PolicyRule, field: str) -> Rule:
    if not message.HasField("select"):
        raise InvalidInput.at(f"{field}.select", "required")
    rows = None
    if message.HasField("rows"):
        most = message.rows.maximum if message.rows.HasField("maximum") else None
        rows = Rows(message.rows.minimum, most)
    return Rule(
        select=decode_selector(message.select, f"{field}.select"),
        scope=_known(_SCOPES, message.scope, f"{field}.scope"),
        level=_known(_LEVELS, message.level, f"{field}.level"),
        name=message.name if message.HasField("name") else None,
        value=message.value if message.HasField("value") else None,
        attributes=dict(message.attributes),
        order=_known(_ORDERS, message.order, f"{field}.order"),
        optional=message.optional_node if message.HasField("optional_node") else None,
        rows=rows,
        box_tolerance=message.box_tolerance if message.HasField("box_tolerance") else None,
        why=message.why,
    )


def decode_selector(message: pb.NodeSelector, field: str, depth: int = 0) -> Selector:
    """The selector in `message`.

    Raises:
        InvalidInput: selectors of ancestors nest deeper than `MAX_SELECTOR_DEPTH`.
    """
    if depth > MAX_SELECTOR_DEPTH:
        raise InvalidInput.at(field, f"nested deeper than {MAX_SELECTOR_DEPTH}")
    return Selector(
        role=message.role if message.HasField("role") else None,
        name=message.name if message.HasField("name") else None,
        attributes=dict(message.attributes),
        under=tuple(decode_selector(m, f"{field}.under", depth + 1) for m in message.under),
        nth=message.nth,
    )


def decode_baseline(message: pb.Template, rules: Rules) -> Tree | None:
    """The normalised baseline of a template message without secrets, None where it has none.

    Raises:
        InvalidInput, TooLarge: it is no tree.
    """
    if not message.HasField("tree"):
        return None
    return normalize(redact(decode_tree(message.tree, "template.tree"), rules).tree)


def decode_selectors(messages: Iterable[pb.NodeSelector]) -> tuple[Selector, ...]:
    """The required nodes of a template message."""
    return tuple(
        decode_selector(message, f"template.required_nodes[{i}]")
        for i, message in enumerate(messages)
    )


def encode_template(stored: StoredTemplate, *, with_tree: bool = True) -> pb.Template:
    """A template version."""
    message = encode_template_around(stored)
    message.MergeFrom(encode_selecting(stored.template))
    if with_tree and stored.template.tree is not None:
        message.tree.CopyFrom(encode_tree(stored.template.tree))
    return message


def encode_selecting(template: Template) -> pb.Template:
    """What may be many thousand selectors of a template: its policy and required nodes."""
    return pb.Template(
        required_nodes=map(_encode_selector, template.required_nodes),
        policy=_encode_policy(template.policy),
    )


def encode_template_around(stored: StoredTemplate) -> pb.Template:
    """A template version without its tree, and without what `encode_selecting` tells."""
    template = stored.template
    message = pb.Template(
        template_id=template.template_id,
        version=template.version,
        screen_id=template.screen_id,
        app=template.app,
        create_time=fields.timestamp(stored.create_time),
        valid_transitions=template.valid_transitions,
        metadata=template.metadata,
        capture_ids=template.captures,
        etag=stored.etag,
        structure_signature=template.structure_signature,
    )
    if template.noise is not None:
        message.noise.CopyFrom(_encode_noise(template.noise))
    if template.tree is not None:
        message.signatures.CopyFrom(encode_signatures(_signatures(template.tree)))
    return message


def _signatures(tree: Tree) -> Signatures:
    if isinstance(tree, StoredTree) and tree.signatures is not None:
        return Signatures(*tree.signatures)
    return sign(tree)


def _encode_noise(noise: Noise) -> pb.NoiseFigure:
    return pb.NoiseFigure(
        held_out=noise.held_out,
        alarms=noise.alarms,
        events=noise.events,
        alarms_per_thousand=per_thousand(noise.alarms, noise.held_out),
        alarms_per_thousand_at_most=at_most_per_thousand(noise.alarms, noise.held_out),
        events_per_thousand=per_thousand(noise.events, noise.held_out),
        version=noise.version,
    )


def _encode_policy(policy: Policy) -> pb.TemplatePolicy:
    return pb.TemplatePolicy(
        level=_LEVEL_VALUES[policy.level],
        box_tolerance=policy.box_tolerance,
        rules=map(_encode_rule, policy.rules),
    )


def _encode_rule(rule: Rule) -> pb.PolicyRule:
    message = pb.PolicyRule(
        select=_encode_selector(rule.select),
        scope=pb.RULE_SCOPE_NODE if rule.scope is Scope.NODE else pb.RULE_SCOPE_SUBTREE,
        level=_LEVEL_VALUES[rule.level],
        name=rule.name,
        value=rule.value,
        attributes=rule.attributes,
        order=_ORDER_VALUES[rule.order],
        optional_node=rule.optional,
        box_tolerance=rule.box_tolerance,
        why=rule.why,
    )
    if rule.rows is not None:
        bounds = pb.RowCount(minimum=rule.rows.minimum, maximum=rule.rows.maximum)
        message.rows.CopyFrom(bounds)
    return message


def _encode_selector(selector: Selector) -> pb.NodeSelector:
    return pb.NodeSelector(
        role=selector.role,
        name=selector.name,
        attributes=selector.attributes,
        under=map(_encode_selector, selector.under),
        nth=selector.nth,
    )
