"""The blocks of the README, the quickstart and the page on clients, run as they stand there."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import google.rpc
import pytest

from tests.support.documents import ADDRESS, PREAMBLE, ROOT, Checkout, blocks, checkout, languages

NODE = ROOT / "tests" / "e2e" / "node" / "node_modules"
RUN = {
    "README.md": {"sh", "mermaid"},
    "docs/quickstart.md": {"sh"},
    "docs/clients.md": {"sh", "python", "js", "go", "yaml"},
    "docs/migration.md": {"sh"},
    "docs/extending.md": {"sh", "toml"},
}
PATH = 'export PATH="$PWD/.venv/bin:$PATH"\n'


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


OLD_TEMPLATE = """\
screen_id: login_form
required_nodes:
  - email_input
  - login_button
structure_signature: "802fd833"
full_signature: "b87aeacf"
valid_transitions:
  - main_screen
"""
OLD_CAPTURE = """\
{"root": {"role": "document", "name": "Shop", "children": [
  {"role": "heading", "name": "Sign in"},
  {"role": "textbox", "name": "email_input"},
  {"role": "button", "name": "login_button"},
  {"role": "text", "name": "Release %d"}]}}
"""


@pytest.mark.parametrize("metadata", ["", "metadata: {owner: shop}\n"], ids=["bare", "described"])
def test_the_way_from_0_x_works(metadata: str, here: Checkout) -> None:
    old = here.folder / "old"
    for name in ("captures", "templates"):
        (old / name).mkdir(parents=True)
    (old / "templates" / "login_form.yaml").write_text(OLD_TEMPLATE + metadata)
    for number in (1, 2):
        (old / "captures" / f"login-{number}.json").write_text(OLD_CAPTURE % number)
    log = b'{"event": "drift", "screen": "login_form"}\n'
    (old / "drift.jsonl").write_bytes(log)
    login = f"sz login {ADDRESS} --key-file data/gateway/admin.key\n"
    show = 'sz templates export "$template"\n'
    script = "".join([PATH, login, *blocks("docs/migration.md", "sh"), show])
    told = here.run(["bash"], PREAMBLE + script)
    assert "\nUNCHANGED old/captures/login-1.json" in told
    assert "VERIFIED" in told
    assert f"  older_log: sha256:{hashlib.sha256(log).hexdigest()}" in told
    assert "- main_screen" in told
    assert ("owner: shop" in told) == bool(metadata)
