from textwrap import dedent

import pytest

from systemzero_core.errors import InvalidInput, TruncatedInput, UnsafeInput
from systemzero_core.formats import Format, parse
from systemzero_core.formats.model import Parsed
from systemzero_core.tree import Bounds
from tests.support.native_captures import only, outlined


def aria(text: str) -> Parsed:
    return parse(dedent(text).strip("\n").encode(), format=Format.ARIA)


def test_indentation_makes_the_tree_under_a_document() -> None:
    parsed = aria(
        """
        - banner:
          - link "Home":
            - /url: "#top"
          - button "Menu"
        - main:
          - paragraph: Some text
          - text: "more: text"
        """
    )

    assert outlined(parsed) == [
        "document",
        ".banner",
        "..link Home",
        "..button Menu",
        ".main",
        "..paragraph",
        "...text Some text",
        "..text more: text",
    ]
    assert only(parsed, "link").attribute("url") == "#top"


@pytest.mark.parametrize(
    ("line", "states", "attributes"),
    [
        ("- checkbox [checked]", ("checked",), {}),
        ("- checkbox [checked=mixed]", ("mixed",), {}),
        ("- checkbox", ("unchecked",), {}),
        ("- button [expanded=false] [disabled]", ("collapsed", "disabled"), {}),
        ("- button [pressed]", ("pressed",), {}),
        ("- textbox [invalid=spelling] [active]", ("focused", "invalid"), {"invalid": "spelling"}),
        ("- heading [level=2] [ref=e12] [cursor=pointer]", (), {"level": "2"}),
    ],
)
def test_marks_become_states_and_attributes(
    line: str, states: tuple[str, ...], attributes: dict[str, str]
) -> None:
    node = aria(line).tree.nodes[1]

    assert node.states == states
    assert dict(node.attributes) == attributes


def test_what_follows_a_field_is_its_value() -> None:
    field = aria('- textbox "Name" [box=1,2,30,40]: Ada').tree.nodes[1]

    assert (field.name, field.value) == ("Name", "Ada")
    assert field.bounds == Bounds(1, 2, 30, 40)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (r'- button "say \"hi\"\n"', 'say "hi"\n'),
        (r"""- 'link "It''s: here"'""", "It's: here"),
        (r'- "link \"a: b\""', "a: b"),
        (r'- link "\ud83d\ude00"', "😀"),
        (r'- text: "\x85\t\u00e9"', "\x85\té"),
        ("- text: 'it''s'", "it's"),
        ('- link "a\u2028b"', "a\u2028b"),
    ],
)
def test_names_are_unquoted(line: str, name: str) -> None:
    assert aria(line).tree.nodes[1].name == name


def test_blank_lines_comments_and_windows_line_ends_are_fine() -> None:
    assert len(parse(b"\xef\xbb\xbf\r\n# made by hand\r\n- list:\r\n  - listitem\r\n").tree) == 3


@pytest.mark.parametrize(
    "text",
    ["- list: &a\n  - listitem: *a\n", "- text: *a\n", "- &x list\n", "- text: !!python/name:os\n"],
)
def test_anchors_aliases_and_tags_are_refused(text: str) -> None:
    with pytest.raises(UnsafeInput, match="line"):
        parse(text.encode(), format=Format.ARIA)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- list:\n  listitem\n", 2),
        ("- list:\n    - listitem\n  - listitem\n", 3),
        ("- list\n  - listitem\n", 2),
        ("- list:\n\t- listitem\n", 2),
        ("- - list\n", 1),
        ("- text: [a, b]\n", 1),
        ('- link "a" b\n', 1),
        ('- link "a\n- link\n', 1),
    ],
)
def test_what_is_no_snapshot_names_the_line(text: str, line: int) -> None:
    with pytest.raises(InvalidInput, match=f"line {line}"):
        parse(text.encode(), format=Format.ARIA)


@pytest.mark.parametrize(
    "text", ["", "\n \n", '- list:\n  - listitem "a', "- list:", "- list:\n  - text: é"]
)
def test_a_cut_off_snapshot_is_told_apart(text: str) -> None:
    data = text.encode()
    with pytest.raises(TruncatedInput):
        parse(data[:-1] if data.endswith("é".encode()) else data, format=Format.ARIA)
