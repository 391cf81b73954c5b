"""Strings, roles, states and attributes in normal form."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.normalize import aria_role, normal_text, role_tables
from systemzero_core.normalize.attributes import (
    NOWHERE,
    STATE_NAMES,
    TRANSIENT_STATES,
    Address,
    is_generated_id,
    normal_attributes,
    normal_states,
    normal_url,
)

NORMAL = role_tables.ARIA_ROLES | role_tables.EXTENSION_ROLES
PAGE = Address.of("http://127.0.0.1:8901/list?page=2#top")


@given(st.text(st.characters(exclude_categories=())))
def test_normal_text_is_idempotent_and_nfc(text: str) -> None:
    once = normal_text(text)
    assert normal_text(once) == once
    assert unicodedata.is_normalized("NFC", once)
    once.encode()  # whatever came in, it can be signed


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  a \t\n b ", "a b"),
        ("a\u00a0b\u3000c", "a b c"),
        ("e\u0301", "é"),
        ("e\u200b\u0301", "é"),
        ("\u200e10:30\u200f", "10:30"),
        ("soft\u00adware", "software"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        ("pay \u202e0001\u202c", "pay \u202e0001\u202c"),
        ("\ud83d", "\ufffd"),
        ("ﬁne", "ﬁne"),
    ],
)
def test_normal_text(text: str, normal: str) -> None:
    assert normal_text(text) == normal


MARKS = "\u0300\u0301\u0315\u0344\u0345\u05b0\u0f71\u0f73\u0f75\u0f81\u3099\U0001d165"


@given(st.text(st.sampled_from(MARKS + "aeE\u01b7\u0b47\uac00\u11a8ö"), min_size=200, max_size=300))
def test_marks_of_a_long_text_are_put_in_order_as_unicode_has_it(text: str) -> None:
    assert normal_text(text) == unicodedata.normalize("NFC", text)


def test_disordered_marks_without_end_hold_nobody_up() -> None:
    # CPython's own NFC takes minutes for it, and holds the interpreter meanwhile
    for pair in ("\u0315\u0300", "\u0f73\u0300"):
        text = normal_text("a" + pair * 300_000)
        assert list(map(unicodedata.combining, text)) == sorted(map(unicodedata.combining, text))


def test_a_normal_text_is_not_copied() -> None:
    text = "already normal"
    assert normal_text(text) is text


@pytest.mark.parametrize(
    ("own", "normal"),
    [
        ("RootWebArea", "document"),
        ("StaticText", "text"),
        ("image", "img"),
        ("DisclosureTriangle", "button"),
        ("MathMLSomethingNew", "generic"),
        ("push button", "button"),
        ("page tab list", "tablist"),
        ("table cell", "cell"),
        ("check box", "checkbox"),
        ("Tab", "tablist"),
        ("TabItem", "tab"),
        ("Spinner", "spinbutton"),
        ("android.widget.Spinner", "combobox"),
        ("android.widget.ImageButton", "button"),
        ("androidx.recyclerview.widget.RecyclerView", "list"),
        ("com.shop.widget.FancyPriceTextView", "text"),
        ("com.philo.philo.playerCranston.ui.SeekBar3", "slider"),
        ("com.shop.Outer$InnerButton", "button"),
        ("com.shop.Mystery", "generic"),
        ("XCUIElementTypeCell", "listitem"),
        ("XCUIElementTypeFutureThing", "generic"),
        ("MenuItemCheckBox", "menuitemcheckbox"),
        ("tree-item", "treeitem"),
        ("kpi-tile", "kpi-tile"),
        ("KpiTile", "generic"),
        ("", "generic"),
        ("none", "generic"),
    ],
)
def test_aria_role(own: str, normal: str) -> None:
    assert aria_role(own) == normal


@given(st.text() | st.sampled_from(sorted(role_tables.PLATFORM_ROLES)))
def test_a_normal_role_is_its_own_normal_role(own: str) -> None:
    assert aria_role(aria_role(own)) == aria_role(own)


@pytest.mark.parametrize("table", ["PLATFORM_ROLES", "IOS_TYPES", "ANDROID_CLASSES"])
def test_the_tables_lead_to_normal_roles(table: str) -> None:
    assert set(getattr(role_tables, table).values()) <= NORMAL
    assert {role for _, role in role_tables.ANDROID_SUFFIXES} <= NORMAL
    assert not NORMAL & set(role_tables.PLATFORM_ROLES)


def test_states_are_renamed_sorted_and_rid_of_the_transient() -> None:
    assert normal_states(("focused", "read-only", "Multi Line", "busy", "checked")) == (
        "checked",
        "multiline",
        "readonly",
    )
    assert not TRANSIENT_STATES & set(STATE_NAMES.values())


@pytest.mark.parametrize(
    "identifier",
    [
        "2f1a9c3e-1b2d-4c5e-8f90-abcdefabcdef",
        "panel-0f8e9d7c6b",
        ":r1f:",
        "«r3»",
        "_r_1a_",
        "ember1234",
        "mui-12",
        "radix-:r0:",
        "node-1700000000",
        "g-uc9g8f",
        "",
        "x" * 257,
    ],
)
def test_generated_ids(identifier: str) -> None:
    assert is_generated_id(identifier)


@pytest.mark.parametrize(
    "identifier",
    ["login", "id_name_error", "row-3", "tab-panel-2", "facade", "operations-tag-products", "h264",
     "com.shop:id/price", "android:id/content", "step1of3"],
)  # fmt: skip
def test_stable_ids(identifier: str) -> None:
    assert not is_generated_id(identifier)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://127.0.0.1:8901/list?page=2#top", "#top"),
        ("http://127.0.0.1:8901/list?page=2", "#"),
        ("http://127.0.0.1:8901/list#end", "#end"),
        ("http://127.0.0.1:8901/list?page=3", "/list?page=3"),
        ("http://127.0.0.1:8901/other?x=1#y", "/other?x=1#y"),
        ("http://127.0.0.1:8901//evil.example/", "http://127.0.0.1:8901//evil.example/"),
        ("http://127.0.0.1:8902/list", "http://127.0.0.1:8902/list"),
        ("https://elsewhere.example/list", "https://elsewhere.example/list"),
        ("/other;jsessionid=12AB?x", "/other?x"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("blob:http://127.0.0.1:8901/1f2e", "blob:"),
        ("data:image/gif;base64,R0lGOD", "data:image/gif;base64,R0lGOD"),
    ],
)
def test_links_are_seen_from_the_page(url: str, normal: str) -> None:
    assert normal_url(url, PAGE) == normal


def test_a_documents_own_address_is_its_path() -> None:
    assert normal_url("http://127.0.0.1:8901/list?page=2#top", PAGE, own=True) == "/list"
    assert normal_url("https://pay.example/f?t=1", PAGE, own=True) == "https://pay.example/f"


def test_long_data_is_told_by_its_digest() -> None:
    one, other = (normal_url(f"data:image/png;base64,{c * 300}", NOWHERE) for c in "AB")
    assert one != other
    assert one.startswith("data:image/png;sha256,")
    assert normal_url(one, NOWHERE) == one


def test_attributes_lose_what_is_made_anew_on_each_run() -> None:
    given_ones = (
        ("Level", " 2 "),
        ("automation-id", "1376526"),
        ("class", "WindowsForms10.EDIT.app.0.141b42a_r6_ad1"),
        ("controls", "panel:r0:0"),
        ("empty", ""),
        ("id", "save"),
        ("process_id", "kept: only processid is the platform's"),
    )
    assert normal_attributes(given_ones, NOWHERE) == (
        ("class", "WindowsForms10.EDIT"),
        ("id", "save"),
        ("level", "2"),
        ("process-id", "kept: only processid is the platform's"),
    )
