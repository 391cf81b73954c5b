from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.diff import diff
from systemzero_core.drift import SessionCapture, Severity, judge
from systemzero_core.drift.detectors.sequence import MAX_VISITS, SequenceSettings, review
from tests.support.trees import codes, item, template, tree

TRANSITIONS = {
    "home": ("cart", "help"),
    "cart": ("home", "pay"),
    "pay": ("done",),
    "done": ("done",),
    "a": ("b",),
    "b": ("c",),
    "c": ("d",),
    "d": ("home",),
}


def session(*screens: str) -> list[SessionCapture]:
    return [SessionCapture(screen, i) for i, screen in enumerate(screens)]


def found(*screens: str) -> list[tuple[int, str]]:
    return [(at, finding.code) for at, finding in review(session(*screens), TRANSITIONS)]


def test_a_valid_path_is_not_remarkable() -> None:
    assert found("home", "cart", "home", "cart", "pay") == []


def test_a_transition_that_is_not_listed() -> None:
    assert found("home", "pay") == [(1, "invalid_transition")]
    message = next(iter(review(session("home", "pay"), TRANSITIONS)))[1].message
    assert message.startswith("screen home was followed by pay")


def test_nothing_is_said_of_screens_that_say_nothing() -> None:
    assert found("help", "pay") == []


def test_the_same_screen_twice_is_one_visit() -> None:
    assert found("home", "home", "home", "cart") == []


def test_an_unknown_screen() -> None:
    assert found("home", "", "cart") == [(1, "unknown_screen")]


def test_a_loop_is_reported_once_it_is_one() -> None:
    assert found(*["home", "cart"] * 3) == [(5, "loop")]
    assert found(*["home", "cart"] * 2) == []
    assert found(*["x", "y", "z"] * 3) == [(8, "loop")]
    assert found(*["home", "cart"] * 14) == [(5, "loop")]


def test_a_run_of_screens_with_one_way_on_is_a_forced_flow() -> None:
    assert found("a", "b", "c", "d") == [(3, "forced_flow")]
    assert found("a", "b", "c") == []


def test_a_screen_that_leads_only_to_itself_is_a_dead_end() -> None:
    assert found("pay", "done") == [(1, "dead_end")]


def test_the_detector_speaks_of_the_last_visit() -> None:
    one, other = tree(item("text", "Pear")), tree(item("text", "Plum"))

    def ask(*screens: str) -> set[str]:
        judgement = judge(
            template(one),
            other,
            diff(one, other),
            session=session(*screens),
            transitions=TRANSITIONS,
        )
        assert judgement.severity is not Severity.INFO or not judgement.findings
        return codes(judgement)

    assert ask("home", "pay") == {"invalid_transition"}
    assert ask("home", "pay", "pay") == set()
    assert ask("home", "pay", "done") == {"dead_end"}


@given(st.lists(st.sampled_from(["", *TRANSITIONS]), max_size=60))
def test_reviews_are_deterministic_and_point_into_the_session(screens: list[str]) -> None:
    visits = session(*screens)
    first = list(review(visits, TRANSITIONS))
    assert first == list(review(visits, TRANSITIONS))
    assert all(0 <= at < len(visits) for at, _ in first)


@given(st.lists(st.sampled_from(["home", "cart", "pay"]), max_size=30))
def test_what_was_said_of_a_visit_is_not_unsaid_later(screens: list[str]) -> None:
    before = list(review(session(*screens), TRANSITIONS))
    after = list(review(session(*screens, "help"), TRANSITIONS))
    assert [pair for pair in before if pair not in after] == []


def test_only_the_last_visits_are_looked_at() -> None:
    visits = session("home", "pay", *["x", "y", "w", "v"] * (MAX_VISITS // 4))
    found_there = [finding.code for _, finding in review(visits, TRANSITIONS)]
    assert "invalid_transition" not in found_there


def test_settings_say_what_is_a_loop() -> None:
    settings = SequenceSettings(loop_rounds=2, forced_run=2)
    pairs = [(at, f.code) for at, f in review(session("a", "b", "a", "b"), {}, settings)]
    assert pairs == [(3, "loop")]
