"""What is wrong with a template, all of it at once, by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from systemzero_core.errors import FieldViolation, InvalidInput, quote
from systemzero_core.template.find import Finder
from systemzero_core.template.model import (
    MAX_REQUIRED_NODES,
    MAX_RULES,
    MAX_TRANSITIONS,
    Policy,
    Rule,
    Selector,
    Template,
)
from systemzero_core.template.patterns import MAX_PATTERN, compile_pattern

MAX_ID = 200
"""Characters of a screen id or an app, at most."""

MAX_METADATA = 100
"""Entries of metadata, at most."""

MAX_METADATA_TEXT = 1_000
"""Characters of a metadata key or value, at most."""

MAX_TOLERANCE = 100_000
_NUL = "must not have the character U+0000"
_MAX_UNDER = 16


def validate(template: Template) -> tuple[FieldViolation, ...]:
    """Each thing that is wrong with `template`; empty for a good one."""
    return tuple(
        FieldViolation(field, description)
        for part in (_identity, _metadata, _transitions, _required, _policy_of)
        for field, description in part(template)
    )


_Wrong = Iterator[tuple[str, str]]


def _identity(template: Template) -> _Wrong:
    if not template.screen_id.strip():
        yield "screen_id", "must not be empty"
    for field in ("screen_id", "app", "template_id", "structure_signature", "full_signature"):
        text = getattr(template, field)
        if len(text) > MAX_ID:
            yield field, f"has {len(text)} characters, at most {MAX_ID} are taken"
        if any(ord(character) < 32 for character in text):
            yield field, "has control characters"
    if template.version < 1:
        yield "version", "starts at 1"


def _metadata(template: Template) -> _Wrong:
    if len(template.metadata) > MAX_METADATA:
        yield "metadata", f"has more than {MAX_METADATA} entries"
    for key, value in template.metadata.items():
        if max(len(key), len(value)) > MAX_METADATA_TEXT:
            yield f"metadata.{quote(key)}", f"is longer than {MAX_METADATA_TEXT} characters"
        if "\0" in key or "\0" in value:
            yield f"metadata.{quote(key)}", _NUL


def _transitions(template: Template) -> _Wrong:
    if len(template.valid_transitions) > MAX_TRANSITIONS:
        yield "valid_transitions", f"has more than {MAX_TRANSITIONS} screens"
    for screen, count in Counter(template.valid_transitions).items():
        if not screen:
            yield "valid_transitions", "has an empty screen id"
        if "\0" in screen:
            yield "valid_transitions", _NUL
        if count > 1:
            yield "valid_transitions", f"names {quote(screen)} more than once"


def _required(template: Template) -> _Wrong:
    if len(template.required_nodes) > MAX_REQUIRED_NODES:
        yield "required_nodes", f"has more than {MAX_REQUIRED_NODES} nodes"
        return
    finder = Finder(template.tree) if template.tree is not None else None
    for i, selector in enumerate(template.required_nodes):
        field = f"required_nodes[{i}]"
        wrong = list(_selector(selector, field))
        yield from wrong
        if finder is not None and not wrong and not finder.has(selector):
            yield field, "is not in the template's own tree, so that no capture like it would match"


def _policy_of(template: Template) -> _Wrong:
    yield from _policy(template.policy)


def _policy(policy: Policy) -> _Wrong:
    if not 0 <= policy.box_tolerance <= MAX_TOLERANCE:
        yield "policy.box_tolerance", f"must be from 0 to {MAX_TOLERANCE} pixels"
    if len(policy.rules) > MAX_RULES:
        yield "policy.rules", f"has more than {MAX_RULES} rules"
        return
    for i, rule in enumerate(policy.rules):
        yield from _rule(rule, f"policy.rules[{i}]")


def _rule(rule: Rule, field: str) -> _Wrong:
    yield from _selector(rule.select, f"{field}.select")
    for part in ("name", "value"):
        pattern = getattr(rule, part)
        if pattern is not None:
            yield from _pattern(pattern, f"{field}.{part}")
    for key, pattern in rule.attributes.items():
        yield from _pattern(pattern, f"{field}.attributes.{key}")
    if rule.rows is not None:
        low, high = rule.rows.minimum, rule.rows.maximum
        if low < 0 or (high is not None and high < low):
            yield f"{field}.rows", "0 <= minimum <= maximum must hold"
    if rule.box_tolerance is not None and not 0 <= rule.box_tolerance <= MAX_TOLERANCE:
        yield f"{field}.box_tolerance", f"must be from 0 to {MAX_TOLERANCE} pixels"
    if "\0" in rule.why:
        yield f"{field}.why", _NUL
    if rule == Rule(rule.select, scope=rule.scope, why=rule.why):
        yield field, "says nothing about the nodes that it selects"


def _selector(selector: Selector, field: str) -> _Wrong:
    if selector == Selector():
        yield field, "selects by nothing; give a role, a name or an attribute"
    if selector.nth < 0:
        yield f"{field}.nth", "counts from 1"
    if selector.name is not None:
        yield from _pattern(selector.name, f"{field}.name")
    for key, pattern in selector.attributes.items():
        yield from _pattern(pattern, f"{field}.attributes.{key}")
    if len(selector.under) > _MAX_UNDER:
        yield f"{field}.under", f"has more than {_MAX_UNDER} steps"
        return
    for i, step in enumerate(selector.under):
        if step.under or step.nth:
            yield f"{field}.under[{i}]", "an ancestor's selector has neither `under` nor `nth`"
        else:
            yield from _selector(step, f"{field}.under[{i}]")


def _pattern(source: str, field: str) -> _Wrong:
    try:
        compiled = compile_pattern(source)
    except InvalidInput as error:
        yield field, error.message
        return
    if compiled.literal is None and len(source) > MAX_PATTERN:
        yield field, f"is a pattern of more than {MAX_PATTERN} characters"
