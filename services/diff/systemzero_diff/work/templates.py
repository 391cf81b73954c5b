"""New versions of templates, made and checked before anything is written; and templates told.

What goes to the store is a `Draft`: fields, signatures, the tree as it is stored. Nobody who writes
it or answers with it has to read the tree.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from systemzero_base.lanes.worker import WorkContext
from systemzero_base.pages import PAGE_BYTES
from systemzero_base.plugins import lane_detectors, lane_formats
from systemzero_base.settings.redacting import rules_of
from systemzero_core.drift import estimate_noise
from systemzero_core.errors import InvalidInput, TooLarge
from systemzero_core.redaction import redact
from systemzero_core.signature import sign
from systemzero_core.template import (
    STRICT_POLICY,
    Template,
    from_yaml,
    next_version,
    signed,
    to_yaml,
    validate,
    violations_of,
)
from systemzero_core.template.infer import Inference
from systemzero_core.template.learn import MAX_CAPTURES, learn
from systemzero_diff.codec import drafts as codec
from systemzero_diff.model import Source, StoredTemplate
from systemzero_diff.work.packed import ListedTemplate, Packed
from systemzero_diff.work.sources import taken_in
from systemzero_storage.tree_body import encoded, pack
from systemzero_wire.trees import MAX_TREE_BYTES, check_readable

MAX_YAML_BYTES = 7_900_000
"""A template's YAML, which an answer has to have room for."""


class Draft(msgspec.Struct, frozen=True, array_like=True):
    """What is to become a version of a template, and what was inferred for it.

    Attributes:
        fields: the template without its tree, as JSON.
        told: a serialised Template with nothing but policy and required nodes, for an answer.
        body: the tree as it is stored.
        signatures: the tree's.
        inferences: what was inferred.
        patterns: what a policy was made to let pass.
    """

    fields: bytes
    told: bytes
    body: bytes | None = None
    signatures: tuple[bytes, bytes, bytes] | None = None
    inferences: tuple[Inference, ...] = ()
    patterns: tuple[str, ...] = ()

    @classmethod
    def decoded(cls, encoded: bytes) -> Draft:
        """What `drafted` made."""
        return msgspec.msgpack.decode(encoded, type=cls)

    @property
    def template(self) -> Template:
        """The template; its tree is read when it is looked at."""
        return Packed(self.fields, self.body, self.signatures).template()


def drafted(
    template: Template,
    inferences: Sequence[Inference] = (),
    patterns: Sequence[str] = (),
) -> bytes:
    """A `Draft` of `template`, signed and checked, encoded.

    Raises:
        InvalidInput: the template is not valid; each violation is named.
        TooLarge: it could never be read back.
    """
    tree = template.tree
    made = signed(template)
    if violations := validate(msgspec.structs.replace(made, version=max(1, made.version))):
        raise InvalidInput("the template is not valid", violations)
    bare = msgspec.json.encode(msgspec.structs.replace(made, tree=None))
    told = codec.encode_selecting(made)
    learnt = tuple(inferences), tuple(patterns)
    if tree is None:
        _check_fields(bare)
        return msgspec.msgpack.encode(Draft(bare, told, None, None, *learnt))
    document = encoded(tree)
    check_readable(tree, len(document), beside=len(bare))
    return msgspec.msgpack.encode(Draft(bare, told, pack(document), (*sign(tree),), *learnt))


def _check_fields(fields: bytes) -> None:
    if len(fields) > MAX_TREE_BYTES:
        raise TooLarge(
            f"the template's fields have {len(fields):,} bytes, and could not be read back: "
            f"no answer has room for more than {MAX_TREE_BYTES:,}",
            metadata={"limit": str(MAX_TREE_BYTES), "actual": str(len(fields))},
        )


def learnt(
    _desk: WorkContext, captures: Sequence[Source], told: bytes, screen: str, current: Packed | None
) -> bytes:
    """A `Draft` of what the captures, and the template that there is, have in common.

    Its fields are the tree, the required nodes, the policy and the noise alone. The template's
    policy is kept, and refined by what it did not let pass.

    Raises:
        InvalidInput: one can't be read, or is incomplete: it must not become a baseline.
    """
    trees, policy = [], STRICT_POLICY
    if current is not None:
        known = current.template()
        policy = known.policy
        trees += [] if known.tree is None else [known.tree]
    for i, source in enumerate(captures):
        intake = taken_in(source, lane_formats(), rules_of(told))
        if intake.incompleteness:
            reasons = "; ".join(reason.detail for reason in intake.incompleteness)
            raise InvalidInput.at(f"captures[{i}]", f"incomplete, no baseline: {reasons}")
        trees.append(intake.tree)
    trees = trees[-MAX_CAPTURES:]
    learned, noise = learn(trees, policy), estimate_noise(trees, policy, detectors=lane_detectors())
    made = Template(
        template_id="",
        screen_id=screen,
        tree=learned.tree,
        required_nodes=learned.required_nodes,
        policy=learned.policy,
        noise=noise,
    )
    return drafted(made, learned.inferences)


def created(_desk: WorkContext, template: bytes, told: bytes) -> bytes:
    """A `Draft` of a serialised template that was written by hand."""
    return drafted(codec.decode_template(template, rules_of(told)))


def updated(_desk: WorkContext, request: bytes, told: bytes, current: Packed) -> bytes:
    """A `Draft` of the version after `current`, with what the serialised request changes."""
    changes = codec.decode_changes(request, rules_of(told))
    return drafted(next_version(current.template(), changes))


def imported(_desk: WorkContext, yaml: bytes, told: bytes) -> bytes:
    """A `Draft` of the template in `yaml`; what somebody typed meanwhile is no part of it."""
    template = from_yaml(yaml)
    if template.tree is not None:
        tree = redact(template.tree, rules_of(told)).tree
        template = msgspec.structs.replace(template, tree=tree)
    return drafted(template)


def exported(_desk: WorkContext, template: Packed) -> bytes:
    """The template as YAML.

    Raises:
        TooLarge: it has more than an answer has room for; GetTemplate gives the template.
    """
    yaml = to_yaml(template.template())
    if len(yaml) > MAX_YAML_BYTES:
        raise TooLarge(
            f"the template has {len(yaml):,} bytes as YAML, more than the {MAX_YAML_BYTES:,} that "
            "an answer has room for: GetTemplate gives it whole",
            metadata={"limit": str(MAX_YAML_BYTES), "actual": str(len(yaml))},
        )
    return yaml


def violations(_desk: WorkContext, yaml: bytes) -> bytes:
    """What is wrong with the template in `yaml`, encoded: pairs of field and description."""
    return msgspec.msgpack.encode([tuple(each) for each in violations_of(yaml)])


def answered(_desk: WorkContext, stored: StoredTemplate, template: Packed) -> bytes:
    """A serialised GetTemplateResponse; `stored` has no tree, `template` may have one."""
    whole = msgspec.structs.replace(stored, template=template.template())
    return codec.encode_answer(whole)


def listed(_desk: WorkContext, found: Sequence[ListedTemplate]) -> bytes:
    """Serialised ListTemplatesResponses of a template each, encoded; empty past a page's bytes.

    One template is read after the other: a page of them may take more memory than a lane has.
    """
    told: list[bytes] = []
    room = PAGE_BYTES
    for each in found:
        if room < 0:
            told.append(b"")
            continue
        told.append(codec.encode_listed(each.stored()))
        room -= len(told[-1])
    return msgspec.msgpack.encode(told)
