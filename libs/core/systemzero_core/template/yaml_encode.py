"""Templates written as YAML; see `yaml_decode` for the layout."""

from __future__ import annotations

from typing import Any

import yaml

from systemzero_core.template.model import Policy, Rule, Scope, Selector, Template
from systemzero_core.tree import Node

_BASE = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Line(dict[str, Any]):
    """A mapping that is written on one line."""


class _Dumper(_BASE):  # type: ignore[misc, valid-type]
    """Writes in the order given, long texts unfolded, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    _Line,
    lambda dumper, data: dumper.represent_mapping(
        "tag:yaml.org,2002:map", data.items(), flow_style=True
    ),
)


def to_yaml(template: Template) -> bytes:
    """`template` in the present layout, UTF-8, that `from_yaml` reads back to the same."""
    out: dict[str, Any] = {}
    for field in ("template_id", "screen_id", "app", "version"):
        if getattr(template, field) != "":
            out[field] = getattr(template, field)
    for field in ("structure_signature", "full_signature"):
        if getattr(template, field):
            out[field] = getattr(template, field)
    if template.required_nodes:
        out["required_nodes"] = [_Line(_selector_out(s)) for s in template.required_nodes]
    for field in ("valid_transitions", "captures"):
        if getattr(template, field):
            out[field] = list(getattr(template, field))
    if template.metadata:
        out["metadata"] = dict(template.metadata)
    out["policy"] = _policy_out(template.policy)
    if template.tree is not None:
        out["tree"] = [
            _Line(_node_out(node, depth))
            for node, depth in zip(template.tree.nodes, template.tree.depths, strict=True)
        ]
    text = yaml.dump(out, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1 << 30)
    return text.encode()


def _selector_out(selector: Selector) -> dict[str, Any]:
    out: dict[str, Any] = {
        field: value
        for field in ("role", "name")
        if (value := getattr(selector, field)) is not None
    }
    if selector.attributes:
        out["attributes"] = dict(selector.attributes)
    if selector.under:
        out["under"] = [_selector_out(step) for step in selector.under]
    if selector.nth:
        out["nth"] = selector.nth
    return out


def _policy_out(policy: Policy) -> dict[str, Any]:
    return {
        "level": policy.level.value,
        "box_tolerance": policy.box_tolerance,
        "rules": [_rule_out(rule) for rule in policy.rules],
    }


def _rule_out(rule: Rule) -> dict[str, Any]:
    out: dict[str, Any] = {"select": _Line(_selector_out(rule.select))}
    if rule.scope is not Scope.SUBTREE:
        out["scope"] = rule.scope.value
    for field in ("level", "order"):
        if (word := getattr(rule, field)) is not None:
            out[field] = word.value
    for field in ("name", "value", "optional", "box_tolerance"):
        if (value := getattr(rule, field)) is not None:
            out[field] = value
    if rule.attributes:
        out["attributes"] = dict(rule.attributes)
    if rule.rows is not None:
        rows = {"minimum": rule.rows.minimum}
        if rule.rows.maximum is not None:
            rows["maximum"] = rule.rows.maximum
        out["rows"] = _Line(rows)
    if rule.why:
        out["why"] = rule.why
    return out


def _node_out(node: Node, depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {"depth": depth, "role": node.role}
    for field in ("name", "value", "platform_role"):
        if text := getattr(node, field):
            out[field] = text
    if node.states:
        out["states"] = list(node.states)
    if node.bounds is not None:
        out["bounds"] = list(node.bounds)
    if node.attributes:
        out["attributes"] = dict(node.attributes)
    return out
