from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.errors import DomainError, InvalidInput, TooLarge, UnsafeInput
from systemzero_core.template import (
    MatchLevel,
    Order,
    Policy,
    Rows,
    Rule,
    Scope,
    Selector,
    Template,
    escape,
    from_yaml,
    to_yaml,
    validate,
    violations_of,
)
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.strategies import trees

OLDER = b"""\
screen_id: login_form
required_nodes:
  - email_input
  - login_button
structure_signature: "802fd833"
full_signature: "b87aeacf"
valid_transitions:
  - main_screen
metadata: {owner: no, tags: [a, b]}
"""

# Whatever a name may hold in normal form: no lone surrogates, but all that trips YAML up.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ("yes", "null", "~", "1", "- a", "a: b", "#x", "'", '"', "\n", " a ", "\x85", "\ufeff", "{", "")
)
SAID = TEXT.filter(lambda text: "\0" not in text)  # which is refused
IDS = st.text("abcæ_-. 1:", min_size=1, max_size=12).filter(str.strip)
PATTERNS = TEXT.map(escape) | st.sampled_from(("{any}", "took {duration}", "{count} {money}"))
PLAIN = st.builds(
    Selector,
    role=st.none() | IDS,
    name=st.none() | PATTERNS,
    attributes=st.dictionaries(IDS, PATTERNS, max_size=2),
).filter(lambda selector: selector != Selector())
SELECTORS = st.builds(
    lambda plain, under, nth: Selector(plain.role, plain.name, plain.attributes, under, nth),
    PLAIN,
    st.lists(PLAIN, max_size=2).map(tuple),
    st.integers(0, 3),
)
RULES = st.builds(
    Rule,
    select=SELECTORS,
    scope=st.sampled_from(Scope),
    level=st.sampled_from(MatchLevel),
    name=st.none() | PATTERNS,
    value=st.none() | PATTERNS,
    attributes=st.dictionaries(IDS, PATTERNS, max_size=2),
    order=st.none() | st.sampled_from(Order),
    optional=st.none() | st.booleans(),
    rows=st.none() | st.builds(Rows, st.integers(0, 2), st.none() | st.integers(2, 9)),
    box_tolerance=st.none() | st.integers(0, 100),
    why=SAID,
)
NODES = st.builds(
    Node,
    role=IDS,
    name=TEXT,
    value=TEXT,
    states=st.sets(IDS, max_size=2).map(lambda words: tuple(sorted(words))),
    bounds=st.none() | st.builds(Bounds, *[st.integers(-(2**31), 2**31)] * 4),
    attributes=st.dictionaries(IDS, TEXT, max_size=2).map(lambda d: tuple(sorted(d.items()))),
    platform_role=TEXT,
)


@st.composite
def trees_of_texts(draw: st.DrawFn) -> Tree:
    shape = draw(trees(max_nodes=8))
    nodes = draw(st.lists(NODES, min_size=len(shape), max_size=len(shape)))
    return Tree(nodes, shape.parents)


TEMPLATES = st.builds(
    Template,
    template_id=st.just("") | IDS,
    screen_id=IDS,
    app=st.just("") | IDS,
    version=st.integers(1, 9),
    tree=st.none() | trees_of_texts(),
    structure_signature=st.sampled_from(("", "0" * 64)),
    full_signature=st.sampled_from(("", "f" * 64)),
    policy=st.builds(
        Policy,
        level=st.sampled_from(MatchLevel),
        box_tolerance=st.integers(0, 99),
        rules=st.lists(RULES, max_size=3).map(tuple),
    ),
    valid_transitions=st.lists(IDS, unique=True, max_size=3).map(tuple),
    metadata=st.dictionaries(SAID, SAID, max_size=3),
    captures=st.lists(IDS, max_size=2).map(tuple),
)


@given(TEMPLATES)
def test_what_is_written_is_read_back_to_the_same(template: Template) -> None:
    assert from_yaml(to_yaml(template)) == template


@given(TEMPLATES)
def test_any_yaml_reader_can_read_what_is_written(template: Template) -> None:
    plain = yaml.safe_load(to_yaml(template))
    assert plain["screen_id"] == template.screen_id
    assert len(plain["policy"]["rules"]) == len(template.policy.rules)


def test_required_nodes_are_written_back() -> None:
    one = Template(
        template_id="",
        screen_id="a",
        required_nodes=(Selector(role="button", name="Pay {{now}}"), Selector(role="form")),
    )
    assert from_yaml(to_yaml(one)) == one


def test_the_older_layout_is_read() -> None:
    template = from_yaml(OLDER)
    assert template.screen_id == "login_form"
    assert template.tree is None
    assert template.structure_signature == "802fd833"
    assert template.required_nodes == (Selector(name="email_input"), Selector(name="login_button"))
    assert template.valid_transitions == ("main_screen",)
    assert template.metadata == {"owner": "no", "tags": '["a", "b"]'}
    assert from_yaml(to_yaml(template)) == template


@pytest.mark.parametrize("empty", [b"[]", b"", b"~"])
def test_empty_lists_may_be_left_empty(empty: bytes) -> None:
    found = violations_of(b"screen_id: a\nvalid_transitions: " + empty + b"\n")
    assert (found == ()) is (empty != b"~")


BOMB = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (BOMB, UnsafeInput),
        (b"screen_id: &x a\n", UnsafeInput),
        (b"!!python/object/apply:os.system [ls]", UnsafeInput),
        (b"screen_id: !!int 3", UnsafeInput),
        (b"[" * 100_000, TooLarge),
        (b"{a: " * 100, TooLarge),
        (b"#" + b"x" * 5_000_000, TooLarge),
        (b"screen_id: a\nscreen_id: b\n", InvalidInput),
        (b"screen_id: a\n---\nscreen_id: b\n", InvalidInput),
        (b"? [a]\n: b\n", InvalidInput),
        (b"\xff\xfe", InvalidInput),
        (b"a: [1", InvalidInput),
        (b"a: \x01", InvalidInput),
        (b"- a", InvalidInput),
        (b"", InvalidInput),
    ],
)
def test_hostile_and_broken_yaml_is_refused(data: bytes, error: type[DomainError]) -> None:
    with pytest.raises(error):
        from_yaml(data)
    assert violations_of(data)


@given(st.binary(max_size=60) | st.text("[]{}:,-&*!#|>'\" \nab", max_size=60).map(str.encode))
def test_any_bytes_are_a_template_or_a_typed_error(data: bytes) -> None:
    try:
        from_yaml(data)
    except DomainError:
        assert violations_of(data)


def test_everything_wrong_is_said_with_its_line() -> None:
    found = violations_of(
        b"screen_id: a\n"
        b"flavour: sweet\n"
        b"version: one\n"
        b"policy:\n"
        b"  level: odd\n"
        b"  rules:\n"
        b"  - name: x\n"
        b"    optional: perhaps\n"
        b"tree:\n"
        b"- {depth: 1, role: a}\n"
    )
    assert {(v.field, v.description) for v in found} == {
        ("line 2", "a template has no field 'flavour'"),
        ("line 3", "must be a whole number"),
        ("line 10", "a node of depth 1 cannot stand here"),
        ("line 5", "must be one of strict, layout, content, ignore"),
        ("line 7", "a rule needs `select`"),
        ("line 8", "must be true or false"),
    }


ROOT = Tree((Node("document"), Node("button", "Pay")), (-1, 0))


@pytest.mark.parametrize(
    ("template", "field"),
    [
        (Template(template_id="", screen_id=" "), "screen_id"),
        (Template(template_id="", screen_id="a\x00"), "screen_id"),
        (Template(template_id="", screen_id="a" * 201), "screen_id"),
        (Template(template_id="", screen_id="a", version=0), "version"),
        (Template(template_id="", screen_id="a", metadata={"k": "v" * 1001}), "metadata.'k'"),
        (
            Template(template_id="", screen_id="a", valid_transitions=("b", "b")),
            "valid_transitions",
        ),
        (
            Template(
                template_id="", screen_id="a", tree=ROOT, required_nodes=(Selector(role="link"),)
            ),
            "required_nodes[0]",
        ),
    ],
)
def test_validate_names_the_field(template: Template, field: str) -> None:
    assert [violation.field for violation in validate(template)] == [field]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (Rule(Selector(), level=MatchLevel.IGNORE), ".select"),
        (Rule(Selector(role="a")), ""),
        (Rule(Selector(role="a", name="{odd}"), optional=True), ".select.name"),
        (Rule(Selector(role="a", nth=-1), optional=True), ".select.nth"),
        (Rule(Selector(role="a", under=(Selector(),)), optional=True), ".select.under[0]"),
        (Rule(Selector(role="a"), name="{"), ".name"),
        (Rule(Selector(role="a"), attributes={"url": "{x}"}), ".attributes.url"),
        (Rule(Selector(role="a"), rows=Rows(3, 2)), ".rows"),
        (Rule(Selector(role="a"), box_tolerance=-1), ".box_tolerance"),
        (Rule(Selector(role="a"), name="{any}" + "x" * 2000), ".name"),
    ],
)
def test_validate_names_the_part_of_a_rule(rule: Rule, field: str) -> None:
    template = Template(template_id="", screen_id="a", policy=Policy(rules=(rule,)))
    assert [v.field for v in validate(template)] == [f"policy.rules[0]{field}"]


def test_too_much_is_refused() -> None:
    rule = Rule(Selector(role="a"), optional=True)
    many = Template(template_id="", screen_id="a", policy=Policy(rules=(rule,) * 2001))
    assert [v.field for v in validate(many)] == ["policy.rules"]
    many = Template(template_id="", screen_id="a", required_nodes=(rule.select,) * 1001)
    assert [v.field for v in validate(many)] == ["required_nodes"]
