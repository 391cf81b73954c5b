"""What an index says that it takes is what it takes."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import pytest

from systemzero_core.match import TemplateIndex
from systemzero_core.template import Template
from systemzero_core.tree import Node, Tree

_WORDS = [chr(a) + chr(b) for a in range(0x4E00, 0x4E80) for b in range(0x5000, 0x5080)]
"""16,384 words of two letters."""


def _screen(number: int, words: int) -> Template:
    """A template of `words` words that no other has."""
    found = [_WORDS[(number * words + n) % len(_WORDS)] for n in range(words)]
    nodes = [Node("form"), *(Node("button", name=word) for word in found)]
    return Template(
        template_id=f"t{number}",
        screen_id=f"screen {number}",
        tree=Tree(nodes, [-1, *(0 for _ in found)]),
    )


def _alike(number: int) -> Template:
    nodes = [Node("form"), *(Node("button", name=f"Press {n % 40}") for n in range(300))]
    tree = Tree(nodes, [-1] + [0] * 300)
    return Template(template_id=f"t{number}", screen_id=f"s{number}", tree=tree)


@pytest.mark.parametrize(
    ("made", "templates"),
    [
        (lambda n: _screen(n, 2_000), 8),
        (lambda n: _screen(n, 20), 400),
        (_alike, 200),
        (_alike, 1),
    ],
)
def test_an_index_knows_what_it_takes(made: Callable[[int], Template], templates: int) -> None:
    _taken(made, 1)  # what is made once, of whatever index
    said, taken = _taken(made, templates)
    assert taken <= said <= 2.5 * taken


def test_versions_that_were_replaced_count_until_they_are_swept_out() -> None:
    index = TemplateIndex([_screen(0, 500)])
    once = index.memory
    for _ in range(30):
        index.add(_screen(0, 500))
    assert index.memory > once + 30 * 500 * 8
    for _ in range(60):
        index.add(_screen(0, 500))
    assert index.memory < once + 64 * 500 * 30


def _taken(made: Callable[[int], Template], templates: int) -> tuple[int, int]:
    """What an index of so many templates says that it takes, and what it does."""
    found = [made(number) for number in range(templates)]
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        index = TemplateIndex(found)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return index.memory, after - before
