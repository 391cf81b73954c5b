"""The sequence detector: the path of a session against what the templates say may follow what.

Linear in the visits looked at, of which there are at most `MAX_VISITS`; deterministic; no state of
its own. It reports what concerns the last visit; `review` reports on all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from systemzero_core.drift.model import Context, Finding, SessionCapture, Severity

MAX_VISITS = 32
"""Visits of one session that are looked at: the last ones. More than a loop's window, so that one
which goes on is told once."""


class SequenceSettings(msgspec.Struct, frozen=True):
    """When a path is worth a word.

    Attributes:
        loop_window: visits within which a repeated round of screens is a loop.
        loop_rounds: rounds that make a loop.
        forced_run: screens in a row with one way on that make a forced flow.
    """

    loop_window: int = 24
    loop_rounds: int = 3
    forced_run: int = 4


DEFAULT_SETTINGS = SequenceSettings()


class SequenceDetector:
    """Codes: `invalid_transition`, `unknown_screen`, `loop`, `forced_flow`, `dead_end`."""

    name = "sequence"

    def __init__(self, settings: SequenceSettings = DEFAULT_SETTINGS) -> None:
        self._settings = settings

    def __call__(self, context: Context) -> Iterator[Finding]:
        """What it sees about the session's last visit."""
        last = len(context.session) - 1
        for at, finding in review(context.session, context.transitions, self._settings):
            if at == last:
                yield finding


def review(
    session: Sequence[SessionCapture],
    transitions: Mapping[str, Sequence[str]],
    settings: SequenceSettings = DEFAULT_SETTINGS,
) -> Iterator[tuple[int, Finding]]:
    """What is remarkable about a session: (index of the visit, finding), in order.

    A screen visited twice in a row is one visit: it was captured twice. A screen of which
    `transitions` says nothing may be followed by any other.
    """
    steps = _steps(session)
    run = 0
    for k, (at, screen) in enumerate(steps):
        if k:
            finding = _transition(steps[k - 1][1], screen, transitions)
            if finding:
                yield at, finding
        if not screen:
            yield (
                at,
                _found("unknown_screen", Severity.INFO, "the session came to an unknown screen"),
            )
        elif _is_dead_end(screen, transitions):
            message = f"screen {screen} leads nowhere but to itself"
            yield at, _found("dead_end", Severity.WARNING, message)
        run = run + 1 if len(_ways_on(screen, transitions)) == 1 else 0
        if run == settings.forced_run:
            message = f"{run} screens in a row, up to {screen}, left one way on"
            yield at, _found("forced_flow", Severity.WARNING, message)
    for at, finding in _loops(steps, settings):
        yield at, finding


def _steps(session: Sequence[SessionCapture]) -> list[tuple[int, str]]:
    steps: list[tuple[int, str]] = []
    first = max(0, len(session) - MAX_VISITS)
    for at in range(first, len(session)):
        if not steps or steps[-1][1] != session[at].screen_id:
            steps.append((at, session[at].screen_id))
    return steps


def _transition(
    before: str, after: str, transitions: Mapping[str, Sequence[str]]
) -> Finding | None:
    allowed = transitions.get(before, ())
    if not before or not after or not allowed or after in allowed:
        return None
    return _found(
        "invalid_transition",
        Severity.WARNING,
        f"screen {before} was followed by {after}, which is not among its valid transitions",
    )


def _ways_on(screen: str, transitions: Mapping[str, Sequence[str]]) -> set[str]:
    return set(transitions.get(screen, ())) - {screen}


def _is_dead_end(screen: str, transitions: Mapping[str, Sequence[str]]) -> bool:
    return bool(transitions.get(screen)) and not _ways_on(screen, transitions)


def _loops(
    steps: Sequence[tuple[int, str]], settings: SequenceSettings
) -> Iterator[tuple[int, Finding]]:
    """A loop: the last `loop_rounds` rounds of one length are the same screens in the same order.

    `same[length]` counts how many steps in a row equal the step one round before, so each step
    costs one comparison for each length that fits the window. A loop that goes on is also one of
    twice its length, and is told once all the same: as the shortest.
    """
    longest = settings.loop_window // settings.loop_rounds
    same = [0] * (longest + 1)
    screens = [screen for _, screen in steps]
    for k in range(len(screens)):
        for length in range(2, min(longest, k) + 1):
            same[length] = same[length] + 1 if screens[k] == screens[k - length] else 0
        again = settings.loop_rounds - 1
        length = next((n for n in range(2, longest + 1) if same[n] >= n * again), 0)
        if length and same[length] == length * again:
            around = ", ".join(screen or "?" for screen in screens[k - length + 1 : k + 1])
            message = f"the session went {settings.loop_rounds} times through {around}"
            yield steps[k][0], _found("loop", Severity.WARNING, message)


def _found(code: str, severity: Severity, message: str) -> Finding:
    return Finding("sequence", code, severity, message)
