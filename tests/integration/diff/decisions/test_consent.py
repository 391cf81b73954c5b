"""What an approval, a snooze or a rejection covers: the values it was shown; or a typed pattern."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.diff.v1 import verdict_pb2
from systemzero_core.tree import Bounds, Tree
from systemzero_storage.database import DatabaseSettings
from tests.support.checks import (
    DRIFT,
    UNCHANGED,
    decide,
    event,
    events,
    groups,
    ingest,
    log_entries,
    put,
    sentences,
)
from tests.support.postgres import Server, migrated
from tests.support.services import House, diff_house
from tests.support.stores import DAY
from tests.support.trees import Item, item, tree

OPEN, APPROVED = pb.EVENT_STATE_OPEN, pb.EVENT_STATE_APPROVED
IDS = ("550e8400-e29b-41d4-a716-446655440000", "7d444840-9dc0-11d1-b245-5ffdce74fad2")
FIRST = {
    "account": "12345678",
    "amount": "100.00",
    "ends": "2026-11-22",
    "at": "10:05",
    "payee": IDS[0],
    "took": "3 ms",
    "mail": "ann@shop.example",
    "receipt": "https://shop.example/1",
    "fee": "€3",
    "purpose": "rent",
}
SECOND = FIRST | {"account": "12345679", "amount": "101.00", "ends": "2026-11-23"}
OTHERS = {
    "account": "66666666",
    "amount": "99999.00",
    "ends": "2036-11-23",
    "at": "23:59",
    "payee": IDS[1],
    "took": "9000 s",
    "mail": "eve@shop.example",
    "receipt": "https://evil.example/1",
    "fee": "€3000",
    "purpose": "loan",
}
"""Another value of each type."""


def page(values: dict[str, str], *more: Item, screen: str = "transfer") -> Tree:
    """A screen with values of every type."""
    link = item("link", "Receipt", attributes=(("url", values["receipt"]),))
    return tree(
        item("heading", f"Your {screen}", attributes=(("level", "1"),)),
        *(item("link", f"{screen} {word}") for word in ("help", "limits", "terms")),
        item("text", f"To account {values['account']}"),
        item("textbox", "Amount in EUR", value=values["amount"]),
        item("text", f"Contract ends {values['ends']}"),
        item("text", f"Booked at {values['at']}"),
        item("text", f"Payee {values['payee']}"),
        item("text", f"It took {values['took']}"),
        item("text", f"Mail to {values['mail']}"),
        item("text", f"Fee {values['fee']}"),
        item("text", f"Purpose: {values['purpose']}"),
        link,
        *more,
        item("button", "Send"),
    )


@pytest.fixture(params=["sqlite", "postgres"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """A service that knows the first transfer of two screens."""
    database, server = DatabaseSettings(), None
    if request.param == "postgres":
        server = request.getfixturevalue("postgres").fresh()
        assert isinstance(server, Server)
        database = DatabaseSettings(url_file=migrated(server, tmp_path), pool=4)
    async with diff_house(tmp_path / "diff", database=database) as served:
        for name in ("transfer", "standing"):
            await put(served, name, page(FIRST, screen=name), app="bank")
        yield served
    if server:
        server.drop()


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    """The status and the sentence by which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), str(caught.value.details())


@pytest.mark.parametrize("how", ["approve", "approve until", "snooze"])
async def test_what_was_decided_is_quiet_and_every_other_value_is_drift(
    house: House, how: str
) -> None:
    first = await ingest(house, page(SECOND), "transfer")
    assert len(first.script.edits) == 3
    await decide(house, how, first.event_id, scope=pb.DECISION_SCOPE_TENANT)
    for screen in ("transfer", "standing"):
        assert (await ingest(house, page(SECOND, screen=screen), screen)).kind == UNCHANGED
        for name, value in OTHERS.items():
            shown = page(SECOND | {name: value}, screen=screen)
            verdict = await ingest(house, shown, screen)
            assert verdict.kind == DRIFT, (screen, name)
            assert verdict.event_id
            assert [value in sentence for sentence in sentences(verdict)] == [True], name
    # and the values of before, where they are none of the baseline's
    if how == "approve":
        assert (await ingest(house, page(FIRST), "transfer")).kind == DRIFT


async def test_a_rejection_makes_no_other_value_more_severe(house: House) -> None:
    first = await ingest(house, page(FIRST | {"amount": "101.00"}), "transfer")
    assert first.severity == verdict_pb2.SEVERITY_INFO
    await decide(house, "reject", first.event_id)
    again = await ingest(house, page(FIRST | {"amount": "101.00"}), "transfer")
    assert again.severity == verdict_pb2.SEVERITY_WARNING
    other = await ingest(house, page(FIRST | {"amount": "102.00"}), "transfer")
    assert other.severity == verdict_pb2.SEVERITY_INFO


@pytest.mark.parametrize("scope", list(pb.DecisionScope.values())[1:])
async def test_alike_events_of_other_values_stay_open(
    house: House, scope: pb.DecisionScope.ValueType
) -> None:
    night = [
        await ingest(house, page(FIRST | {"account": account}, screen=screen), screen)
        for account in ("12345679", "66666666", "12345679")
        for screen in ("transfer", "standing")
    ]
    assert len({verdict.fingerprint for verdict in night}) == 1  # one group, for people to read
    await decide(house, "approve until", night[0].event_id, scope=scope)
    states = [(await event(house, verdict.event_id)).state for verdict in night]
    everywhere = scope in (pb.DECISION_SCOPE_APP, pb.DECISION_SCOPE_TENANT)
    on_screen = everywhere or scope == pb.DECISION_SCOPE_SCREEN
    same = [True, everywhere, False, False, on_screen, everywhere]
    assert states == [APPROVED if covered else OPEN for covered in same]
    (group,) = await groups(house)
    assert (group.events, group.open_events) == (6, same.count(False))
    assert {found.event_id for found in await events(house, state=OPEN)} == {
        verdict.event_id for verdict, covered in zip(night, same, strict=True) if not covered
    }
    assert len({verdict.values_digest for verdict in night}) == 2


async def test_a_verdict_that_is_known_by_its_digest_is_of_these_values_alone(
    house: House,
) -> None:
    """What the service remembers of a capture outlives no decision and covers no other one."""
    quiet, loud = page(SECOND), page(SECOND | {"account": "66666666"})
    first = await ingest(house, quiet, "transfer")
    assert (await ingest(house, loud, "transfer")).kind == DRIFT
    await decide(house, "approve until", first.event_id)
    for _ in range(2):
        assert (await ingest(house, quiet, "transfer")).kind == UNCHANGED
        assert (await ingest(house, loud, "transfer")).kind == DRIFT
    house.clock.now += DAY
    assert (await ingest(house, quiet, "transfer")).kind == DRIFT


async def test_an_approval_for_good_takes_in_nothing_that_a_snooze_hides(house: House) -> None:
    snoozed = await ingest(house, page(FIRST | {"fee": "€300"}), "transfer")
    await decide(house, "snooze", snoozed.event_id)
    beside = await ingest(house, page(FIRST | {"fee": "€300", "purpose": "loan"}), "transfer")
    assert len(beside.script.edits) == 1  # the purpose alone is shown
    code, said = await refusal(decide(house, "approve", beside.event_id))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "Fee" in said
    assert "decide about that first" in said
    await decide(house, "approve until", snoozed.event_id)
    assert (await decide(house, "approve", beside.event_id)).template.version == 2


async def test_a_change_that_is_not_shown_whole_is_agreed_to_by_nobody(house: House) -> None:
    """A link's target behind a hundred other attributes."""

    def form(word: str, url: str) -> Tree:
        many = (*((f"a{i:03}", word) for i in range(120)), ("url", url))
        return page(FIRST, item("link", "Pay here", attributes=many))

    await put(house, "transfer", form("x", "https://shop.example"), app="bank")
    shown = await ingest(house, form("y", "https://evil.example"), "transfer")
    assert [edit.partial for edit in shown.script.edits] == [True]
    for how in ("approve", "approve until", "snooze"):
        code, said = await refusal(decide(house, how, shown.event_id))
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        assert "Pay here" in said
        assert "learn the template anew" in said
    assert (await event(house, shown.event_id)).state == OPEN


async def test_no_box_hides_behind_what_was_approved(house: House) -> None:
    def form(title: str, width: int) -> Tree:
        decline = item("button", "Decline", bounds=Bounds(10, 100, width, 40))
        return page(FIRST, item("text", title), decline)

    await put(house, "transfer", form("Cookies", 120), app="bank")
    first = await ingest(house, form("Cookies and more", 120), "transfer")
    await decide(house, "approve until", first.event_id)
    assert (await ingest(house, form("Cookies and more", 120), "transfer")).kind == UNCHANGED
    for width in (1, 0):
        hidden = await ingest(house, form("Cookies and more", width), "transfer")
        assert hidden.kind == DRIFT
        assert "Decline" in hidden.script.edits[0].sentence
    both = await ingest(house, form("Cookies, too", 1), "transfer")
    assert [edit.changes[0].field for edit in both.script.edits] == ["name", "bounds"]
    assert (await decide(house, "approve", both.event_id)).template.version == 3
    assert (await ingest(house, form("Cookies, too", 1), "transfer")).kind == UNCHANGED
    assert (await ingest(house, form("Cookies, too", 120), "transfer")).kind == DRIFT


async def test_the_log_says_which_values_were_decided_about(house: House) -> None:
    first = await ingest(house, page(SECOND), "transfer")
    await decide(house, "approve until", first.event_id)
    drift, decision = [json.loads(entry.body) for entry in (await log_entries(house))[-2:]]
    assert drift["values_digest"] == first.values_digest
    assert decision["values_digests"] == sorted({e.values_digest for e in first.script.edits})
    assert decision["patterns"] == []


# "Any number here": policy of the template, for everybody to see.


async def approve_pattern(house: House, event_id: str) -> pb.ApprovePatternResponse:
    request = pb.ApprovePatternRequest(
        event_id=event_id, reason="accounts come and go", request_id="r1"
    )
    answer: pb.ApprovePatternResponse = await house.drift().ApprovePattern(request)
    assert await house.drift().ApprovePattern(request) == answer
    return answer


PATTERNS = {
    "account": ("name: To account {count}", ["66666666", "1"], ["sixty", "1.5 and 2"]),
    "amount": ("value: {number}", ["99999.00", "7"], ["all", "1 or 2", "€5"]),
    "ends": ("name: Contract ends {date}", ["2036-11-23"], ["never", "12"]),
    "at": ("name: Booked at {time}", ["00:00"], ["noon"]),
    "payee": ("name: Payee {uuid}", ["00000000-9dc0-11d1-b245-5ffdce74fad2"], ["eve"]),
    "took": ("name: It took {duration}", ["1 ms"], ["long"]),
    "mail": ("name: Mail to {email}", ["bob@shop.example"], ["nobody"]),
    "receipt": ("attributes.url: {url}", ["https://shop.example/9"], ["none"]),
    "fee": ("name: Fee {money}", ["€1"], ["free", "3"]),
}


@pytest.mark.parametrize("name", PATTERNS)
async def test_a_pattern_lets_pass_any_value_of_its_type_in_its_place_alone(
    house: House, name: str
) -> None:
    pattern, quiet, loud = PATTERNS[name]
    shown = await ingest(house, page(FIRST | {name: OTHERS[name]}), "transfer")
    answer = await approve_pattern(house, shown.event_id)
    assert answer.event.state == APPROVED
    assert list(answer.event.decision.patterns) == [pattern]
    assert answer.template.version == 2
    for value in (OTHERS[name], FIRST[name], *quiet):
        verdict = await ingest(house, page(FIRST | {name: value}), "transfer")
        assert (verdict.kind, list(verdict.decision_ids)) == (UNCHANGED, []), value
        for other in OTHERS.keys() - {name}:
            beside = page(FIRST | {name: value, other: OTHERS[other]})
            assert (await ingest(house, beside, "transfer")).kind == DRIFT, (value, other)
    for value in loud:
        assert (await ingest(house, page(FIRST | {name: value}), "transfer")).kind == DRIFT, value
    elsewhere = page(FIRST | {name: quiet[0]}, screen="standing")
    assert (await ingest(house, elsewhere, "standing")).kind == DRIFT


async def test_a_pattern_stands_in_the_yaml_and_in_the_log(house: House) -> None:
    shown = await ingest(house, page(SECOND), "transfer")
    answer = await approve_pattern(house, shown.event_id)
    export = template_pb.ExportTemplateRequest(template_id="transfer")
    yaml = (await house.templates().ExportTemplate(export)).yaml.decode()
    words = ["name: To account {count}", "value: {number}", "name: Contract ends {date}"]
    assert sorted(answer.event.decision.patterns) == sorted(words)
    for word in words:
        key, pattern = word.split(": ", 1)
        assert f"{key}: {pattern}" in yaml.replace("'", "")
    assert f"approved with event {shown.event_id}" in yaml
    decision, version = [json.loads(entry.body) for entry in (await log_entries(house))[-2:]]
    assert sorted(decision["patterns"]) == sorted(words)
    assert (version["version"], version["rules"]) == (2, 3)
    assert decision["reason"] == version["reason"] == "accounts come and go"
    assert (
        await ingest(house, page(OTHERS | dict.fromkeys(("purpose",), "rent")), "transfer")
    ).kind == DRIFT
    assert (
        await ingest(
            house, page(SECOND | {"account": "66666666", "ends": "2036-01-01"}), "transfer"
        )
    ).kind == UNCHANGED


@pytest.mark.parametrize(
    "shown",
    [
        page(FIRST | {"purpose": "loan"}),
        page(FIRST | {"account": "12345679 or 12345680"}),
        page(FIRST | {"account": "number 12345679"}),
        page(SECOND, item("button", "Send twice")),
        page(SECOND | {"purpose": "loan"}),
    ],
)
async def test_what_is_no_change_of_one_typed_value_has_no_pattern(
    house: House, shown: Tree
) -> None:
    verdict = await ingest(house, shown, "transfer")
    code, said = await refusal(
        house.drift().ApprovePattern(
            pb.ApprovePatternRequest(event_id=verdict.event_id, reason="any")
        )
    )
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "no change of one typed value" in said
    assert (await event(house, verdict.event_id)).state == OPEN


async def test_a_node_that_is_like_the_one_with_the_pattern_is_let_off_nothing(
    house: House,
) -> None:
    def accounts(*numbers: str) -> Tree:
        return tree(item("heading", "Accounts"), *(item("text", f"No. {n}") for n in numbers))

    await put(house, "accounts", accounts("1", "2", "3"))
    shown = await ingest(house, accounts("1", "5", "3"), "accounts")
    await approve_pattern(house, shown.event_id)
    assert (await ingest(house, accounts("1", "6", "3"), "accounts")).kind == UNCHANGED
    assert (await ingest(house, accounts("6", "2", "3"), "accounts")).kind == DRIFT
    assert (await ingest(house, accounts("1", "2", "6"), "accounts")).kind == DRIFT


async def test_a_pattern_frees_nobody_who_comes_later(house: House) -> None:
    """A node that is approved beside it, later, and is like it: by its own value alone."""

    def accounts(*names: str) -> Tree:
        return tree(item("heading", "Accounts"), *(item("text", name) for name in names))

    await put(house, "accounts", accounts("No. 1", "Fixed"))
    shown = await ingest(house, accounts("No. 2", "Fixed"), "accounts")
    await approve_pattern(house, shown.event_id)
    beside = await ingest(house, accounts("No. 2", "No. 7", "Fixed"), "accounts")
    assert len(beside.script.edits) == 1
    await decide(house, "approve", beside.event_id)
    assert (await ingest(house, accounts("No. 3", "No. 7", "Fixed"), "accounts")).kind == UNCHANGED
    assert (await ingest(house, accounts("No. 3", "No. 9", "Fixed"), "accounts")).kind == DRIFT


async def test_what_was_approved_for_good_and_taken_back_is_drift_again(house: House) -> None:
    """The baseline says what is approved for good, and nothing beside it."""
    back = None
    for values in (SECOND, FIRST):
        verdict = await ingest(house, page(values))
        assert verdict.kind == DRIFT
        await decide(house, "approve", verdict.event_id)
        assert (await ingest(house, page(values))).kind == UNCHANGED
        back = verdict
    assert back is not None
    again = await ingest(house, page(SECOND))
    assert again.kind == DRIFT
    assert (await event(house, again.event_id)).state == OPEN
    listing = await house.drift().ListEvents(pb.ListEventsRequest(state=OPEN))
    assert [each.event_id for each in listing.events] == [again.event_id]


async def test_a_screen_that_is_learnt_anew_knows_no_approval_of_before(house: House) -> None:
    first = await ingest(house, page(SECOND))
    await decide(house, "approve", first.event_id)
    found = await house.templates().ListTemplates(template_pb.ListTemplatesRequest())
    (gone,) = [each for each in found.templates if each.screen_id == "transfer"]
    await house.templates().DeleteTemplate(
        template_pb.DeleteTemplateRequest(template_id=gone.template_id)
    )
    await put(house, "transfer", page(FIRST), app="bank")
    assert (await ingest(house, page(SECOND))).kind == DRIFT
