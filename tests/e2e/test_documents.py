"""The blocks of the README, the quickstart and the page on clients, run as they stand there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import google.rpc
import pytest

from tests.support.documents import ROOT, Checkout, blocks, checkout, languages

NODE = Path(__file__).parent / "node" / "node_modules"
RUN = {
    "README.md": {"sh", "mermaid"},
    "docs/quickstart.md": {"sh"},
    "docs/clients.md": {"sh", "python", "js", "go", "yaml"},
}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Checkout]:
    with checkout(tmp_path) as running:
        yield running


def test_the_readme_works(here: Checkout) -> None:
    told = here.shell("README.md")
    for word in ("UNCHANGED", "DRIFT", "VERIFIED"):
        assert word in told, told


def test_the_quickstart_works(here: Checkout) -> None:
    told = here.shell("docs/quickstart.md")
    for word in ("UNCHANGED", "DRIFT", "INCONCLUSIVE", "VERIFIED", "VERDICT_KIND_UNCHANGED"):
        assert word in told, told


def test_the_clients_work(here: Checkout) -> None:
    told = here.shell("docs/clients.md")
    assert "systemzero.log.v1.LogService" in told
    assert "VERDICT_KIND_UNKNOWN_SCREEN" in told
    (program,) = blocks("docs/clients.md", "python")
    lines = here.python(program).splitlines()
    assert lines[0] == "VERDICT_KIND_DRIFT"
    assert lines[1].startswith("- ")
    assert lines[-1] == "UNKNOWN_FORMAT"


def test_the_client_in_node_works(here: Checkout) -> None:
    node = shutil.which("node")
    if node is None or not (NODE / ".package-lock.json").is_file():
        pytest.skip("no Node here, or not its packages: make node-modules")
    (here.folder / "node_modules").symlink_to(NODE)
    (program,) = blocks("docs/clients.md", "js")
    common = str(Path(google.rpc.__path__[0]).parent.parent)
    told = here.run([node, "--input-type=module", "-"], program, GOOGLEAPIS=common)
    assert told.split() == ["VERDICT_KIND_UNKNOWN_SCREEN", "UNKNOWN_FORMAT"]


@pytest.mark.parametrize("document", RUN)
def test_every_block_is_of_a_kind_that_is_known(document: str) -> None:
    found = languages(document)
    assert {language for language in found if language} == RUN[document]
    assert len(found) == 2 * sum(bool(language) for language in found)


def test_every_document_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for document in (ROOT / "docs").rglob("*.md"):
        name = document.relative_to(ROOT / "docs")
        assert str(name) == "README.md" or f"({name})" in index, name
