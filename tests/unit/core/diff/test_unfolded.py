"""A node renamed away from its texts, which the normal form had left out: one rename alone."""

import json
from textwrap import dedent

import pytest

from systemzero_core.diff import EditKind, diff, to_json
from systemzero_core.intake import take_in
from systemzero_core.tree import Tree
from tests.support.trees import outline
from tests.unit.core.diff.test_composed import checked


def told(a: Tree, b: Tree) -> list[str]:
    return [edit.sentence for edit in checked(a, b).edits]


def link(name: str, *texts: str, role: str = "link") -> Tree:
    lines = "".join(f"\n  - text: {text}" for text in texts)
    return take_in(f'- banner\n- {role} "{name}":{lines}\n'.encode(), format="aria").tree


@pytest.mark.parametrize("texts", [("Admin", "LTE"), ("Admin LTE",), ("Ad", "min", "LTE")])
@pytest.mark.parametrize("role", ["link", "button", "listitem", "heading"])
def test_a_label_put_on_a_node_with_texts_is_one_rename(texts: tuple[str, ...], role: str) -> None:
    before, after = link("Admin LTE", *texts, role=role), link("Start page", *texts, role=role)
    assert told(before, after) == [f"{role} “Admin LTE” renamed to “Start page”"]
    assert told(after, before) == [f"{role} “Start page” renamed to “Admin LTE”"]


def test_a_text_that_came_with_the_label_is_told() -> None:
    before, after = link("Admin LTE", "Admin", "LTE"), link("Start page", "Admin", "Pro")
    assert [e.kind for e in checked(before, after).edits].count(EditKind.INSERT) == 2
    same = link("Start page", "Admin LTE", "Pro")
    assert "text “Pro” added to link “Start page”" in told(before, same)
    assert len(told(before, same)) == 2


def test_the_script_keeps_what_is_not_told() -> None:
    a, b = link("Admin LTE", "Admin", "LTE"), link("Start page", "Admin", "LTE")
    script = diff(a, b)
    assert sorted(edit.nodes[0].name for edit in script.unfolded) == ["Admin", "LTE"]
    assert json.loads(to_json(script))["unfolded"]


def screen(said: str, text: str = "Pay") -> Tree:
    return take_in(
        dedent(f"""\
        <hierarchy rotation="0"><node class="android.widget.FrameLayout" bounds="[0,0][100,200]">
        <node class="android.view.View" content-desc="{said}" clickable="true" bounds="[0,0][9,9]">
        <node class="android.widget.TextView" text="{text}" bounds="[0,0][90,40]"/></node>
        <node class="android.widget.TextView" text="Total" bounds="[0,60][90,80]"/></node>
        </hierarchy>""").encode()
    ).tree


def test_an_android_view_renamed_above_its_text_is_one_rename() -> None:
    assert told(screen("Pay"), screen("Buy")) == ["generic “Pay” renamed to “Buy”"]
    assert told(screen("Buy"), screen("Pay")) == ["generic “Buy” renamed to “Pay”"]


def test_an_ios_cell_renamed_above_its_text_is_one_rename() -> None:
    def cells(said: str) -> Tree:
        box = 'visible="true" enabled="true" x="0" y="0" width="90" height="40"'
        text = f'<XCUIElementTypeStaticText type="XCUIElementTypeStaticText" label="Pay" {box}/>'
        cell = f'<XCUIElementTypeCell type="XCUIElementTypeCell" label="{said}" {box}>{text}'
        other = cell.replace("Pay", "Total").replace(f'"{said}"', '"Total"')
        end = "</XCUIElementTypeCell>"
        app = f'<XCUIElementTypeApplication type="XCUIElementTypeApplication" name="Till" {box}>'
        return take_in(f"{app}{cell}{end}{other}{end}</XCUIElementTypeApplication>".encode()).tree

    (sentence,) = told(cells("Pay"), cells("Buy"))
    assert sentence.endswith("“Pay” renamed to “Buy”")


def test_a_node_that_is_wrapped_is_still_found() -> None:
    a = outline("main\n  button Pay\n  text Total")
    b = outline("main\n  group Buy\n    button Pay\n  text Total")
    assert told(a, b) == ["group “Buy” added around button “Pay”"]
