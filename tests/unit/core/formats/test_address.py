"""References, by the examples of RFC 3986, 5.4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.formats._address import joined

BASE = "http://a/b/c/d;p?q"
EXAMPLES = {
    "g:h": "g:h",
    "g": "http://a/b/c/g",
    "./g": "http://a/b/c/g",
    "g/": "http://a/b/c/g/",
    "/g": "http://a/g",
    "//g": "http://g",
    "?y": "http://a/b/c/d;p?y",
    "g?y": "http://a/b/c/g?y",
    "#s": "http://a/b/c/d;p?q#s",
    "g#s": "http://a/b/c/g#s",
    "g?y#s": "http://a/b/c/g?y#s",
    ";x": "http://a/b/c/;x",
    "g;x?y#s": "http://a/b/c/g;x?y#s",
    "": "http://a/b/c/d;p?q",
    ".": "http://a/b/c/",
    "./": "http://a/b/c/",
    "..": "http://a/b/",
    "../g": "http://a/b/g",
    "../..": "http://a/",
    "../../g": "http://a/g",
    "../../../g": "http://a/g",
    "/./g": "http://a/g",
    "/../g": "http://a/g",
    "g.": "http://a/b/c/g.",
    "..g": "http://a/b/c/..g",
    "./g/.": "http://a/b/c/g/",
    "g/../h": "http://a/b/c/h",
    "g;x=1/../y": "http://a/b/c/y",
    "g?y/../x": "http://a/b/c/g?y/../x",
    "g#s/../x": "http://a/b/c/g#s/../x",
}


@pytest.mark.parametrize(("reference", "address"), EXAMPLES.items())
def test_the_examples_of_the_standard(reference: str, address: str) -> None:
    assert joined(BASE, reference) == address


@pytest.mark.parametrize(
    ("base", "reference", "address"),
    [
        ("http://a", "b", "http://a/b"),
        ("about:srcdoc", "http://a/b", "http://a/b"),
        ("http://a/b", "http://[::1", "http://[::1"),
        ("", "b", "b"),
    ],
)
def test_what_the_standard_has_no_example_of(base: str, reference: str, address: str) -> None:
    assert joined(base, reference) == address


@given(st.text(), st.text())
def test_anything_is_resolved_to_something(base: str, reference: str) -> None:
    assert isinstance(joined(base, reference), str)
