"""Aria snapshots as releases of Playwright really write them, and what stands beside them."""

import contextlib
import json
import re
from textwrap import dedent

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from systemzero_core.errors import DomainError, InvalidInput, TruncatedInput
from systemzero_core.formats import Format, GapKind, detect, parse
from systemzero_core.formats.model import Parsed
from systemzero_core.tree import Bounds, Node
from tests.support.native_captures import outlined


def aria(text: str) -> Parsed:
    return parse(dedent(text).strip("\n").encode(), format=Format.ARIA)


def first(line: str) -> Node:
    return aria(line).tree.nodes[1]


@pytest.mark.parametrize(
    ("line", "name", "states"),
    [
        ("- link /", "/", ()),
        ("- link /:\n  - /url: /", "/", ()),
        ("- link //", "//", ()),
        ("- link /help/:\n  - /url: /help/", "/help/", ()),
        ("- link /api/v2/:\n  - /url: /api/v2/", "/api/v2/", ()),
        ("- link /api/v2/ [active]:\n  - /url: /api/v2/", "/api/v2/", ("focused",)),
        ("- link /[id]/ [disabled]", "/[id]/", ("disabled",)),
        ("- link /[x/", "/[x/", ()),
        ("- link /a [b]/ [ref=e4] [cursor=pointer]", "/a [b]/", ()),
        ('- link /say "hi"/', '/say "hi"/', ()),
        ("- 'link /a: b/ [active]':\n  - /url: x", "/a: b/", ("focused",)),
        ("- 'link /it''s #1/'", "/it's #1/", ()),
        ("- link /C++/: text", "/C++/", ()),
        (r"- link /a\b/ [ref=e1]", r"/a\b/", ()),
    ],
)
def test_a_name_between_slashes_runs_to_the_last_one(
    line: str, name: str, states: tuple[str, ...]
) -> None:
    node = first(line)
    assert (node.role, node.name, node.states) == ("link", name, states)


@pytest.mark.parametrize(
    "text",
    [
        r"- heading /Issues \d+/ [level=1]",
        r"- link /[\d,.]+k stars/",
        "- link /.*parcels.*/",
        "- link /^All/",
        r"- paragraph: /\d+ items left/",
        "- list:\n  - /children: equal\n  - listitem: a",
        "- list:\n  - /children: deep-equal",
    ],
)
def test_a_pattern_for_a_matcher_is_no_capture_and_says_so(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        aria(f'- heading "Parcels"\n{text}\n- button "Go"\n')
    assert not isinstance(caught.value, TruncatedInput)
    assert "toMatchAriaSnapshot" in caught.value.message
    assert re.match(r"line [23]: ", caught.value.message)


def test_a_regular_expression_that_a_page_shows_is_a_name() -> None:
    assert first(r"- link /\d+/ [ref=e7]").name == r"/\d+/"  # patterns have no refs
    assert first(r'- link "/\\d+/"').name == r"/\d+/"
    assert aria('- paragraph: "/.*/"').tree.nodes[2].name == "/.*/"
    assert aria(r"- code: /\d+/").tree.nodes[2].name == r"/\d+/"


@pytest.mark.parametrize("role", ["textbox", "searchbox", "combobox", "spinbutton", "slider"])
def test_a_fields_text_is_its_value_in_both_layouts(role: str) -> None:
    beside = f"""
        - {role} "Amount":
          - /placeholder: "0"
          - text: "12"
        - button "Pay"
        """
    assert aria(beside).tree.nodes[1].value == "12"
    assert outlined(aria(beside)) == ["document", f".{role} Amount", ".button Pay"]
    assert first(f'- {role} "Amount": "12"').value == "12"
    assert first(f'- {role} "Amount":\n  - text: "12"').value == "12"


def test_what_a_field_holds_beside_texts_stays_its_children() -> None:
    assert outlined(aria('- textbox "Note":\n  - text: To\n  - strong: all')) == [
        "document", ".textbox Note", "..text To", "..strong", "...text all",
    ]  # fmt: skip
    options = aria('- combobox "Unit":\n  - option "kg" [selected]\n  - option "lb"')
    assert [node.role for node in options.tree.nodes[1:]] == ["combobox", "option", "option"]


@pytest.mark.parametrize(
    ("header", "text"),
    [("|-", "one\n two\nthree"), ("|", "one\n two\nthree"), (">-", "one  two three")],
)
def test_a_text_of_several_lines(header: str, text: str) -> None:
    parsed = aria(f"- paragraph: {header}\n    one\n     two\n    three\n- text: {header}\n    x")
    assert parsed.tree.nodes[2].name == text
    assert parsed.tree.nodes[3].name == "x"


@pytest.mark.parametrize(
    ("mark", "attributes"),
    [
        ("[aria-hidden]", {"aria-hidden": "true"}),
        ("[valueText=low]", {"valueText": "low"}),
        ("[posInSet2=3]", {"posInSet2": "3"}),
        ('[description="a ] \\"b\\""]', {"description": 'a ] "b"'}),
        ("[two words]", {"two words": "true"}),
        ("[invalid=grammar]", {"invalid": "grammar"}),
    ],
)
def test_marks_of_other_releases_are_kept(mark: str, attributes: dict[str, str]) -> None:
    node = first(f'- button "Go" {mark} [ref=e3] [cursor=pointer] [box=1,2,3,4]')
    assert (node.role, node.name, dict(node.attributes)) == ("button", "Go", attributes)
    assert node.bounds == Bounds(1, 2, 3, 4)


@pytest.mark.parametrize("box", ["1,2,3", "1,2,3,4,5", "a,b,c,d", "", "nan,0,0,0"])
def test_a_box_that_is_none_is_kept_as_it_is(box: str) -> None:
    node = first(f'- button "Go" [box={box}]')
    assert node.bounds is None
    assert node.attribute("box") == (box or "true")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["box", "ref", "level", "checked", "invalid", "active", "x y", "Ä"]),
            st.none() | st.text('0123,.-=e "nan', max_size=9),
        ),
        max_size=4,
    )
)
def test_no_mark_breaks_the_reader(marks: list[tuple[str, str | None]]) -> None:
    written = "".join(f" [{n}]" if v is None else f" [{n}={v}]" for n, v in marks)
    with contextlib.suppress(DomainError):
        parse(f'- button "Go"{written}'.encode(), format=Format.ARIA)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (r'- link "Great pizza \ud83d…"', "Great pizza \ufffd…"),
        (r'- link "\ude00 \ud83d"', "\ufffd \ufffd"),
        (r'- link "\ud83d\ud83d\ude00"', "\ufffd😀"),
        (r'- button "\ud83c\uddfa\ud83c\uddf8 +1"', "🇺🇸 +1"),
        ('- button "1️⃣"', "1️⃣"),
        ('- button "nul \\u0000 \\x07"', "nul \x00 \x07"),
        ('- button "raw \x07\x01"', "raw \x07\x01"),
        (r'- link "\UFFFFFFFF"', "\ufffd"),
    ],
)
def test_half_a_character_does_not_cost_the_screen(line: str, name: str) -> None:
    assert first(line).name == name
    assert first(line + "\n- button").name == name


def test_bytes_that_are_no_text_become_marks_for_it() -> None:
    data = b'- link "Stra\xdfe"\n- link "\x80"\n- link "\xed\xa0\xbd\xed\xb8\x80 \xed\xa0\xbd"\n'
    assert [n.name for n in parse(data).tree.nodes[1:]] == ["Stra\ufffde", "\ufffd", "😀 \ufffd"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_redirection_by_powershell_is_read(encoding: str) -> None:
    data = '- link "Größe 😀"\r\n- button\r\n'.encode(encoding)
    assert detect(data) == Format.ARIA
    assert [node.name for node in parse(data).tree.nodes[1:]] == ["Größe 😀", ""]


@pytest.mark.parametrize(
    "text",
    ['- link "a" b', "- link\n- [a]", "- text: [a, b]", "- list\n  - listitem", '- text: "a" b'],
)
def test_what_is_malformed_is_not_called_truncated_on_the_last_line(text: str) -> None:
    for data in (text, text + "\n"):
        with pytest.raises(InvalidInput) as caught:
            aria(f"- navigation\n{data}")
        assert not isinstance(caught.value, TruncatedInput)


@pytest.mark.parametrize(
    "line",
    ['- link "a', '- link "a" [ref=e', '- link "a" ', "-", "  -",
     '- text: "a', "- link /api", "- text: |", r'- link "a \ud83d', r'- link "\ud83', "- link:"],
)  # fmt: skip
def test_what_is_truncated_is_not_called_malformed(line: str) -> None:
    with pytest.raises(TruncatedInput):
        parse(f"- list\n{line}".encode(), format=Format.ARIA)


def test_a_line_that_is_not_closed_is_malformed_where_others_follow() -> None:
    for line in ('- link "a', '- link "a" [ref=e', "- link /api", '- text: "a'):
        with pytest.raises(InvalidInput, match="line 1") as caught:
            parse(f"{line}\n- list\n".encode(), format=Format.ARIA)
        assert not isinstance(caught.value, TruncatedInput)


def test_what_only_lists_changes_is_not_a_whole_screen() -> None:
    parsed = aria(
        """
        - <changed> generic [active] [ref=e1]:
          - ref=e2 [unchanged]
          - button "New" [ref=e3]
        """
    )
    assert outlined(parsed) == ["document", ".generic", "..button New"]
    (gap,) = parsed.gaps
    assert gap.kind is GapKind.TRUNCATION
    assert gap.detail.startswith("line 1: only what changed")
    assert detect(b"- <changed> generic:\n  - button\n") == Format.ARIA


def test_several_pages_stand_beside_each_other() -> None:
    parsed = aria('---\n- heading "One"\n---\n- heading "Two"\n- button "Go"\n...\n')
    assert outlined(parsed) == [
        "document", ".document", "..heading One", ".document", "..heading Two", "..button Go",
    ]  # fmt: skip
    assert outlined(aria('---\n- heading "One"\n')) == ["document", ".heading One"]


def test_a_snapshot_within_an_answer_of_a_tool() -> None:
    answer = b"""### Page state
- Page URL: https://shop.test/
- Page Title: Shop
- Page Snapshot:
```yaml
- generic [ref=e1]:
  - button "Pay" [ref=e2]
```
### Events
- New console entries: 3
"""
    assert outlined(parse(answer)) == ["document", ".generic", "..button Pay"]
    with pytest.raises(TruncatedInput):
        parse(answer[: answer.index(b"```\n")])


def test_a_text_with_a_name_keeps_it() -> None:
    assert first('- text "Hello"').name == "Hello"


@pytest.mark.parametrize(
    ("line", "states"),
    [
        ('- switch "Dark" [checked]', ("checked",)),
        ('- switch "Dark"', ("unchecked",)),
        ('- button "Bold" [pressed]', ("pressed",)),
        ('- button "Bold" [pressed=mixed]', ("mixed",)),
        ('- button "Bold" [pressed=false]', ("unpressed",)),
    ],
)
def test_switches_and_toggles(line: str, states: tuple[str, ...]) -> None:
    assert first(line).states == states


# A renderer of our own, by the rules of Playwright's: what it writes is read back.

_NEEDS_QUOTES = re.compile(
    r"""^\s|\s$|^$|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|^-|[\n:](\s|$)|\s\#|[\n\r]
    |^[&*\],?!>|@"'\#%]|[{}`]|^\[|^[-+.\d]|^(?:y|n|yes|no|true|false|on|off|null)$""",
    re.VERBOSE | re.IGNORECASE,
)


def key(role: str, name: str, marks: str = "") -> str:
    as_is = name.startswith("/") and name.endswith("/")
    text = role + (f" {name if as_is else json.dumps(name, ensure_ascii=False)}" if name else "")
    text += marks
    return "'" + text.replace("'", "''") + "'" if _NEEDS_QUOTES.search(text) else text


def value(text: str) -> str:
    return json.dumps(text) if _NEEDS_QUOTES.search(text) else text


# Playwright folds blanks in names and texts, so that no name has a line break.
texts = (
    st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]) | st.just(" "))
    | st.text("/ab[]: \"'#\\=-{}1", max_size=12)
).map(lambda text: " ".join(text.split(" ")).strip())
marks = st.sampled_from(
    ["", " [active]", " [ref=e12] [cursor=pointer]", " [level=2] [box=1,2,3,4]"]
)


@given(name=texts, mark=marks, text=texts, url=texts)
@example("/a [b]/", " [active]", "/", "/")
@example("/ [a]", "", "'", '"')
@example("/a: /", " [ref=e12] [cursor=pointer]", "x: y", "#top")
def test_whatever_a_page_is_named_is_read_back(name: str, mark: str, text: str, url: str) -> None:
    document = (
        f"- {key('link', name, mark)}:\n  - /url: {value(url)}\n  - text: {value(text)}\n"
        f"- {key('textbox', name, mark)}: {value(text)}\n- button [ref=e99]\n"
    )
    nodes = parse(document.encode(), format=Format.ARIA).tree.nodes
    assert [node.role for node in nodes] == ["document", "link", "text", "textbox", "button"]
    assert (nodes[1].name, nodes[1].attribute("url")) == (name, url)
    assert (nodes[2].name, nodes[3].name, nodes[3].value) == (text, name, text)


@given(st.text("- '\"/[]:=\\\n|>#<ab`", max_size=60))
def test_no_line_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(DomainError):
        parse(text.encode(), format=Format.ARIA)


_HOSTILE = [
    "- link " + "/ [a" * 60_000,
    "- link " + "/ [a]" * 60_000,
    "- link " + "/[" * 100_000 + "\n- link",
    '- link "x"' + " [a=" * 60_000,
    '- link "x"' + ' [a="' * 60_000,
    "- 'link /" + "\\" * 200_000 + "/'",
    '- link "' + "\\ud83d" * 40_000 + '"',
    "- text: |\n" + "    a\n" * 50_000,
    "\n" * 4_000 + "x",
    "- " * 100_000,
    "- link:\n" + "".join(f"  - /p{i}: x\n" for i in range(150_000)),
    "- list:\n" + "  - ref=e1 [unchanged]\n" * 100_000,
]


def test_hostile_lines_take_no_more_steps_than_they_are_long() -> None:
    for text in _HOSTILE:
        with contextlib.suppress(DomainError):
            parse(text.encode())


SNAPSHOT = '```yaml\n- button "A" [ref=e2]\n```\n'
RAN = "```js\nawait page.goto('x');\n- x\n```\n"
ANSWERS = {
    "navigate": f"### Ran Playwright code\n{RAN}### Page\n- Page URL: x\n### Snapshot\n{SNAPSHOT}",
    "older": f"- Ran Playwright code:\n{RAN}\n- Page URL: x\n- Page Snapshot:\n{SNAPSHOT}",
    "tabs": f"### Open tabs\n- 0: (current) [T](http://x)\n### Snapshot\n{SNAPSHOT}",
    "tabs and code": f"### Ran Playwright code\n{RAN}### Open tabs\n- 0: [T](x)\n{SNAPSHOT}",
    "result": f"### Result\n```json\n[1]\n```\n### Snapshot\n{SNAPSHOT}### Events\n```\nx\n```\n",
    "prose": f"Page snapshot:\n{SNAPSHOT}",
    "no language": f"### Ran Playwright code\n{RAN}### Snapshot\n{SNAPSHOT.replace('yaml', '')}",
    "yml": f"### Ran Playwright code\n{RAN}### Snapshot\n{SNAPSHOT.replace('yaml', 'yml ')}",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_the_snapshot_is_found_among_what_a_tool_answers(answer: str) -> None:
    for text in (answer, answer.replace("\n", "\r\n")):
        assert detect(text.encode()) is Format.ARIA
        assert outlined(parse(text.encode())) == ["document", ".button A"]


def test_an_answer_that_is_cut_off_before_its_end_is_truncated() -> None:
    answer = ANSWERS["navigate"]
    for end in (answer.index("- button"), answer.index(" [ref"), answer.index("await"), -5):
        with pytest.raises(TruncatedInput):
            parse(answer[:end].encode(), format=Format.ARIA)


@pytest.mark.parametrize(
    "answer",
    [
        f"### Ran Playwright code\n{RAN}### Page\n- Page URL: x\n",
        "### Page\n- Page URL: x\n### Snapshot\n- [Snapshot](page-1.yml)\n",
        f"### Page\n- Page URL: x\n### Modal state\n- [dialog]: can be handled\n{RAN}",
    ],
)
def test_an_answer_without_a_snapshot_says_so(answer: str) -> None:
    with pytest.raises(InvalidInput, match="browser_snapshot") as caught:
        parse(answer.encode())
    assert not isinstance(caught.value, TruncatedInput)
