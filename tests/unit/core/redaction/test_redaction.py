"""Secrets of captures: found in every format, gone from all that comes of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.errors import InvalidInput
from systemzero_core.formats import own
from systemzero_core.intake import Intake, take_in, take_in_tree
from systemzero_core.originals import Document, clean
from systemzero_core.redaction import DEFAULT, MARK, Rules, Selector, redact, trees
from systemzero_core.redaction.cards import card_numbers_in
from systemzero_core.tree import Node, Tree
from tests.support.planted import Planted, captures

SECRET = "Zq7-tröst&<Ko\"p'f>"
CARD = "4111 1111 1111 1111"
FORMATS = [planted.name for planted in captures("")]


def taken(planted: Planted, rules: Rules = DEFAULT) -> Intake:
    return take_in(
        planted.data,
        format=planted.format,
        dom=planted.dom,
        frames=planted.frames,
        rules=rules,
    )


def named(name: str, typed: str) -> Planted:
    return next(planted for planted in captures(typed) if planted.name == name)


def said(intake: Intake) -> str:
    texts = [json.loads(own.encode(intake.tree)), [i.detail for i in intake.incompleteness]]
    return json.dumps(texts, ensure_ascii=False)


def aria(*lines: str) -> Intake:
    return take_in("\n".join(f"- {line}" for line in lines).encode(), format="aria")


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_typed_into_a_password_field_is_dropped(name: str) -> None:
    intake = taken(named(name, SECRET))
    assert "Welcome back" in said(intake)
    assert json.dumps(SECRET, ensure_ascii=False)[1:-1] not in said(intake)
    assert SECRET in intake.secrets


@pytest.mark.parametrize("name", FORMATS)
def test_typing_a_password_is_no_drift(name: str) -> None:
    filled, longer, empty = (taken(named(name, typed)) for typed in ("hunter2", "x" * 40, ""))
    assert filled.signatures.full == longer.signatures.full == empty.signatures.full
    assert not empty.secrets


@pytest.mark.parametrize("name", FORMATS)
def test_the_kept_original_is_free_of_it_and_shows_the_same_screen(name: str) -> None:
    planted = named(name, SECRET)
    cleaned = clean(Document(planted.data, planted.format, planted.dom, planted.frames))
    assert cleaned.has_secrets
    assert cleaned.document is not None
    kept = cleaned.document
    for part in (kept.data, kept.dom or b"", *kept.frames):
        assert b"Zq7" not in part
        assert b"Ko" not in part
    again = take_in(kept.data, format=kept.format, dom=kept.dom, frames=kept.frames)
    assert again.signatures == taken(planted).signatures


def test_a_document_without_a_secret_is_kept_as_it_is() -> None:
    planted = named("cdp-map", "")
    document = Document(planted.data, planted.format, planted.dom)
    cleaned = clean(document)
    assert (cleaned.document, cleaned.has_secrets) == (document, False)


def test_an_original_that_spells_a_secret_in_an_unknown_way_is_not_kept() -> None:
    data = named("android", "hunter2").data.replace(b'"hunter2"', b'"&#104;unter2"')
    cleaned = clean(Document(data, "uiautomator"))
    assert (cleaned.document, cleaned.has_secrets) == (None, True)


def test_an_original_with_a_secret_too_short_to_be_told_apart_is_not_kept() -> None:
    cleaned = clean(Document(named("android", "90").data, "uiautomator"))
    assert (cleaned.document, cleaned.has_secrets) == (None, True)


def test_a_document_that_breaks_off_is_kept_only_where_it_speaks_of_no_secret() -> None:
    broken = b'{"nodes": [{"nodeId": "1", "name": {"value": "Password"}, "value": {"value": "hun'
    assert clean(Document(broken, "cdp")).document is None
    assert clean(Document(named("cdp-map", "").data[:80], "cdp")).document is not None


@pytest.mark.parametrize(
    "label",
    [
        *("Password", "PASSWORD *", "Passcode", "PIN", "CVV", "Security code", "New pass-word"),
        *("Passwort", "Kennwort wiederholen", "Mot de passe", "Contraseña", "contrasena", "Senha"),
        *("Hasło", "Wachtwoord", "Lösenord", "Heslo", "Şifre", "Пароль", "密码", "パスワード"),
        *("비밀번호", "كلمة المرور", "userPassword", "pin_code"),
    ],
)
def test_an_aria_field_is_a_password_by_its_name(label: str) -> None:
    assert "hunter2" not in said(aria(f'textbox "{label}": hunter2'))


@pytest.mark.parametrize("label", ["E-mail", "Search", "Shopping", "Pinned note", "Opinion"])
def test_other_fields_keep_their_value(label: str) -> None:
    intake = aria(f'textbox "{label}": hunter2')
    assert "hunter2" in said(intake)
    assert not intake.secrets


def test_a_field_without_a_name_is_called_what_stands_before_it() -> None:
    assert "hunter2" not in said(aria("text: Password", "textbox: hunter2"))


def test_a_placeholder_names_a_field_too() -> None:
    intake = aria("textbox:\n  - /placeholder: Password\n  - text: hunter2")
    assert "hunter2" not in said(intake)
    assert "Password" in said(intake)


def test_a_text_that_repeats_the_password_has_a_mark_of_one_length() -> None:
    short, long = (
        aria(f'textbox "Password": {typed}', f'alert "{typed} is too weak"')
        for typed in ("hunter2", "correct horse battery staple")
    )
    assert f"{MARK} is too weak" in said(short)
    assert short.signatures.full == long.signatures.full


def test_bullets_tell_no_length() -> None:
    three, nine = (aria(f'textbox "Access": "{"•" * n}"') for n in (3, 9))
    assert three.signatures.full == nine.signatures.full == aria('textbox "Access"').signatures.full


def test_the_hint_of_an_empty_field_stays_what_its_label_says() -> None:
    intake = aria('text: "Password:"', 'textbox: "Password"')
    assert "Password:" in said(intake)
    assert intake.signatures.full == aria('text: "Password:"', "textbox").signatures.full


@pytest.mark.parametrize(
    "number", [CARD, "4111-1111-1111-1111", "378282246310005", "5555555555554444"]
)
def test_card_numbers_are_redacted_wherever_they_stand(number: str) -> None:
    intake = aria(f'textbox "Note": "{number}"', f'paragraph: "paid with {number}, thanks"')
    assert number not in said(intake)
    assert f"paid with {MARK}, thanks" in said(intake)


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "1700000000000",
        "2 3 4 5 6 7 8 9 10 11 12 13 14 15",
        "2026-11-30 171833",
    ],
)
def test_other_numbers_are_not(text: str) -> None:
    assert card_numbers_in(text) == set()


def test_rules_may_name_more_and_less() -> None:
    tree = Tree(
        (
            Node("document", "Shop"),
            Node("text", "AB-123456", attributes=(("data-testid", "member-no"),)),
            Node("textbox", "Member", value="AB-123456"),
            Node("paragraph", "Hello AB-123456"),
        ),
        (-1, 0, 0, 0),
    )
    rules = Rules(selectors=[Selector(attribute="data-testid", value="^member")])
    assert "AB-123456" not in said(take_in_tree(tree, rules=rules))
    assert "AB-123456" not in said(take_in_tree(tree, rules=Rules(names=["member"])))
    assert CARD in said(
        take_in_tree(Tree((Node("text", CARD),), (-1,)), rules=Rules(card_numbers=False))
    )
    planted = named("aria", "hunter2")
    assert "hunter2" in said(taken(planted, Rules(known_names=False)))


@pytest.mark.parametrize(
    "wrong", [{"names": ["("]}, {"selectors": [Selector()]}, {"selectors": [Selector(value="x")]}]
)
def test_rules_that_are_none_are_refused(wrong: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidInput):
        Rules(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("aria", b'- textbox "Password" hunter2: x\n- button "Go"'),
        ("aria", b'- textbox "Password": "a" hunter2'),
        ("uiautomator", b'<hierarchy><node password="true" text="a" <hunter2/></hierarchy>'),
        ("tree", b'{"format": "systemzero.tree", "password": hunter2}'),
        ("cdp", b'{"error": {"message": "no node for password hunter2"}, "id": 1}'),
    ],
)
def test_an_error_about_a_document_with_a_password_quotes_nothing(form: str, data: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        take_in(data, format=form)
    told = caught.value.message + repr(caught.value.violations)
    assert "hunter2" not in told
    assert "not quoted" in told


def test_what_was_redacted_once_stays_as_it_is() -> None:
    intake = aria('textbox "Password": hunter2', 'alert "hunter2 is weak"', f'text: "{CARD}"')
    again = take_in_tree(intake.tree)
    assert again.signatures == intake.signatures
    assert not again.secrets


@given(st.text(min_size=4, max_size=30), st.sampled_from(FORMATS))
def test_no_password_survives(secret: str, name: str) -> None:
    secret = "Zz9" + secret.replace("\0", "")
    try:
        intake = taken(named(name, secret))
    except InvalidInput:
        return  # of a character that XML knows no way to write
    assert "Zz9" not in said(intake)


def test_long_roles_are_not_remembered() -> None:
    trees._known.cache_clear()
    nodes = [Node("document", "Page"), *(Node(f"{i}" + "r" * 10_000, "x") for i in range(50))]
    redact(Tree(nodes, (-1, *(0 for _ in nodes[1:]))))
    assert trees._known.cache_info().currsize <= 1
