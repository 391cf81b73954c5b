"""The completeness gate: what is called incomplete and why, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given

from systemzero_core.completeness import Incompleteness, Reason, assess
from systemzero_core.formats import Gap, GapKind, parse
from systemzero_core.intake import take_in
from systemzero_core.normalize.loading import says_loading
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.captures import capture, captures
from tests.support.strategies import ANY_NODES, trees

INCOMPLETE = {
    "1-console-loading": [Reason.LOADING],
    "explorer-loading": [Reason.LOADING],
    "portal-waiting": [Reason.MISSING_FRAME, Reason.BUSY],
}


def screen(*children: Node, root: Node | None = None) -> Tree:
    """A flat screen."""
    return Tree([root or Node("document", "Shop"), *children], [-1, *[0] * len(children)])


def reasons(tree: Tree, *gaps: Gap) -> list[Reason]:
    return [found.reason for found in assess(tree, gaps)]


@pytest.mark.parametrize(("app", "version", "state"), captures())
def test_recorded_captures(app: str, version: str, state: str) -> None:
    recorded = capture(app, version, state)
    parsed = parse(recorded.ax, dom=recorded.dom, frames=recorded.frames)
    assert reasons(parsed.tree, *parsed.gaps) == INCOMPLETE.get(state, [])


SHELLS = {
    "aria": b"- document:\n  - main:\n    - generic [ref=e1]\n",
    "aria, several pages": b"---\n- document\n---\n- main\n",
    "cdp": b'{"nodes":[{"nodeId":"1","role":{"value":"RootWebArea"},"name":{"value":"Shop"}}]}',
    "atspi": b'{"applications":[{"role":"application","name":"a","children":[{"role":"frame"}]}]}',
    "tree": b'{"format":"systemzero.tree","nodes":[{"role":"document"}]}',
    "older": b'{"root":{"role":"document","children":[{"role":"main"}]}}',
}


@pytest.mark.parametrize("data", SHELLS.values(), ids=SHELLS.keys())
def test_a_shell_without_content_is_incomplete(data: bytes) -> None:
    assert [found.reason for found in take_in(data).incompleteness] == [Reason.NO_CONTENT]


@pytest.mark.parametrize(
    "text",
    [
        "You need to enable JavaScript to run this app.",
        "Please enable JavaScript to continue using this application.",
        "We're sorry but shop doesn't work properly without JavaScript enabled. Please enable it.",
        "This page requires JavaScript.",
        "JavaScript is disabled in your browser.",
        "Bitte aktivieren Sie JavaScript.",
    ],
)
def test_a_page_that_only_asks_for_scripts_is_no_screen(text: str) -> None:
    assert reasons(screen(Node("heading", "Shop"), Node("text", text))) == [Reason.NO_CONTENT]
    content = [Node("link", f"Page {n}") for n in range(5)]
    assert reasons(screen(Node("text", text), *content)) == []


def test_a_text_about_javascript_is_content() -> None:
    assert reasons(screen(Node("heading", "JavaScript"), Node("text", "Learn it here"))) == []
    assert reasons(screen(Node("switch", "Enable JavaScript"))) == []


def test_what_lacks_very_much_says_so_in_few_words() -> None:
    gaps = [Gap(GapKind.FRAME, f"frame {n} is missing") for n in range(10_000)]
    found = assess(screen(Node("button", "Go")), gaps)
    assert {reason.reason for reason in found} == {Reason.MISSING_FRAME}
    assert len(found) <= 21
    assert found[0].detail == "frame 0 is missing"
    assert found[-1].detail.endswith("and 9980 more of what is missing")
    assert len(assess(screen(Node("button", "Go")), gaps[:20])) == 20


def test_an_empty_tree_and_one_without_content() -> None:
    assert reasons(Tree((), ())) == [Reason.EMPTY]
    assert reasons(screen()) == [Reason.NO_CONTENT]
    assert reasons(screen(Node("generic"), Node("StaticText", " \n"))) == [Reason.NO_CONTENT]
    assert reasons(screen(Node("button", "Buy", states=("hidden",)))) == [Reason.NO_CONTENT]


def test_gaps_are_told_in_the_parsers_words() -> None:
    page = screen(Node("button", "Buy"))
    gaps = (Gap(GapKind.TRUNCATION, "cut off at byte 12"), Gap(GapKind.FRAME, "frame 'Pay'"))
    assert assess(page, gaps) == (
        Incompleteness(Reason.TRUNCATED, "cut off at byte 12"),
        Incompleteness(Reason.MISSING_FRAME, "frame 'Pay'"),
    )


@pytest.mark.parametrize(
    "indicator",
    [
        Node("progressbar"),
        Node("android.widget.ProgressBar"),
        Node("XCUIElementTypeActivityIndicator", "In progress"),
        Node("StaticText", "Loading…"),
        Node("status", "Please wait"),
        Node("StaticText", "Wird geladen"),
    ],
)
def test_a_loading_indicator_with_hardly_anything_beside_it(indicator: Node) -> None:
    logo, title = Node("img", "Shop"), Node("heading", "Shop")
    assert reasons(screen(logo, title, indicator)) == [Reason.LOADING]
    content = [Node("link", f"Article {i}") for i in range(4)]
    assert reasons(screen(logo, title, indicator, *content)) == []


def test_the_main_part_counts_not_what_is_around_it() -> None:
    around = [Node("navigation"), *[Node("link", f"Go {i}") for i in range(9)], Node("main")]
    parents = [-1, 0, *[1] * 9, 0]
    nodes = [Node("document", "Shop"), *around, Node("progressbar", "Loading")]
    assert reasons(Tree(nodes, [*parents, 11])) == [Reason.LOADING]
    goods = [Node("link", f"Tea {i}") for i in range(4)]
    assert reasons(Tree([*nodes, *goods], [*parents, *[11] * 5])) == []


def test_a_progress_bar_that_tells_progress_is_content() -> None:
    assert reasons(screen(Node("progressbar", "Upload", value="40 %"))) == []


def test_a_splash_screen_is_only_what_the_application_is_called() -> None:
    logo = Node("img", "Tea Shop logo")
    assert reasons(screen(logo)) == [Reason.SPLASH]
    assert reasons(screen(logo, Node("StaticText", "SHOP"))) == [Reason.SPLASH]
    assert reasons(screen(logo, Node("StaticText", "Closed on Sundays"))) == []
    assert reasons(screen(logo, Node("button", "Shop"))) == []


@pytest.mark.parametrize("version", ["v1.2.3", "Version 4.0 (512)", "2.10.0-beta.1", "1.2"])
def test_a_version_beside_a_logo_is_a_splash_screen(version: str) -> None:
    text = Node("StaticText", version)
    assert reasons(screen(Node("img"), text)) == [Reason.SPLASH]
    assert reasons(screen(text)) == []
    assert reasons(screen(Node("img"), text, Node("button", "Start"))) == []


@pytest.mark.parametrize(
    "said",
    ["Keine Rückmeldung", "Ne répond pas", "No responde", "Non risponde", "Não está respondendo",
     "Não está a responder", "Nie odpowiada", "Brak odpowiedzi", "Reageert niet"],
)  # fmt: skip
def test_windows_says_in_its_own_language_that_a_program_hangs(said: str) -> None:
    window = Node("Window", f"Ledger ({said})")
    assert reasons(screen(Node("Button", "Close"), root=window)) == [Reason.NOT_RESPONDING]


def test_a_screen_with_little_on_it_is_complete() -> None:
    assert reasons(screen(Node("StaticText", "You have no saved shows."))) == []
    login = [Node("textbox", "User"), Node("textbox", "Password"), Node("button", "Log in")]
    assert reasons(screen(*login)) == []


def test_busy_counts_on_the_screen_its_main_part_or_most_of_it() -> None:
    busy = ("busy",)
    content = [Node("link", str(i)) for i in range(5)]
    root = Node("document", "Shop", states=busy)
    assert reasons(screen(*content, root=root)) == [Reason.BUSY]
    nodes = [Node("document"), Node("list", states=busy), *content]
    assert reasons(Tree(nodes, [-1, 0, 1, 1, 1, 0, 0])) == [Reason.BUSY]
    assert reasons(Tree(nodes, [-1, 0, 1, 1, 0, 0, 0])) == []


def test_a_frame_that_came_empty_counts_where_it_is_looked_at() -> None:
    def page(frame: Node, *inside: Node) -> Tree:
        nodes = [Node("document"), Node("button", "Back"), frame, Node("document"), *inside]
        return Tree(nodes, [-1, 0, 0, 2, *[3] * len(inside)])

    assert reasons(page(Node("Iframe", "Pay"))) == [Reason.MISSING_FRAME]
    assert reasons(page(Node("Iframe", bounds=Bounds(0, 0, 300, 200)))) == [Reason.MISSING_FRAME]
    assert reasons(page(Node("Iframe"), Node("button", "Pay"))) == []
    assert reasons(page(Node("Iframe", "tracker", bounds=Bounds(0, 0, 0, 0)))) == []
    assert reasons(page(Node("Iframe", bounds=Bounds(0, 0, 1, 1)))) == []


def test_an_application_that_hangs() -> None:
    wait = Node(
        "android.widget.Button", "Wait", attributes=(("resource-id", "android:id/aerr_wait"),)
    )
    assert reasons(screen(Node("StaticText", "Shop isn't responding"), wait)) == [
        Reason.NOT_RESPONDING
    ]
    window = Node("Window", "Ledger (Not Responding)")
    assert reasons(screen(Node("Button", "Close"), root=window)) == [Reason.NOT_RESPONDING]


@pytest.mark.parametrize(
    "text",
    ["Loading", "LOADING…", "Loading 40 %", "Please wait...", "Loading your workspace…",
     "Chargement en cours…", "加载中", "  loading\n", "⏳ Just a moment"],
)  # fmt: skip
def test_words_for_loading(text: str) -> None:
    assert says_loading(text)


@pytest.mark.parametrize(
    "text",
    ["Loading dock 4 opens at nine", "Starting up the server", "Downloads", "Unloading",
     "Loading failed", "Loading: paused", "Connecting has been stopped…",
     "Wait list", "", "…", "Loading" + " x" * 60],
)  # fmt: skip
def test_words_that_are_content(text: str) -> None:
    assert not says_loading(text)


@given(trees(ANY_NODES, max_nodes=14))
def test_any_tree_gets_an_answer_with_each_verdict_once(tree: Tree) -> None:
    found = reasons(tree)
    lone = {Reason.EMPTY, Reason.NO_CONTENT, Reason.SPLASH, Reason.LOADING}
    assert len([reason for reason in found if reason in lone]) <= 1
    assert all(detail for _, detail in assess(tree))


def test_hostile_shapes_take_linear_time() -> None:
    count = 20_000
    for role in ("main", "Iframe", "list"):
        nodes = [Node(role, "x", states=("busy",)) for _ in range(count)]
        assert reasons(Tree(nodes, range(-1, count - 1)))


@pytest.mark.parametrize("role", ["iframe", "WebView"])
def test_a_thousand_empty_parts_say_so_in_few_words(role: str) -> None:
    parts = [Node(role, f"part {i}", platform_role=role) for i in range(1_000)]
    nodes = [Node("document", "Shop"), Node("button", "Buy")]
    parents = [-1, 0]
    for part in parts:
        nodes += [part, Node("document", "")]
        parents += [0, len(nodes) - 2]
    found = [each for each in assess(Tree(nodes, parents)) if each.reason is Reason.MISSING_FRAME]
    assert len(found) == 21
    assert "part 0" in found[0].detail
    assert found[-1].detail == "and 980 more of what is missing"
