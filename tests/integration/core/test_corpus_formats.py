"""Every tree of the corpus is read: none crashes, none is silently emptied, none is held wrongly.

The corpus stands beside the checkout (`../shared/corpus`) or where `SYSTEMZERO_TEST_CORPUS` says;
without it these tests are skipped. Nothing of it is in the repository.
"""

import csv
import gzip
import os
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from systemzero_core.errors import DomainError
from systemzero_core.formats import Format, Parsed, detect, own, parse
from systemzero_core.tree import Tree

REPOSITORY = Path(__file__).resolve().parents[3]
CORPUS = Path(os.environ.get("SYSTEMZERO_TEST_CORPUS", REPOSITORY.parent / "shared" / "corpus"))

pytestmark = pytest.mark.skipif(
    not (CORPUS / "MANIFEST.tsv").exists(), reason="the corpus is not here"
)

FORMATS = {
    "web": Format.CDP,
    "android": Format.UIAUTOMATOR,
    "ios": Format.APPIUM_IOS,
    "windows": Format.APPIUM_WINDOWS,
    "atspi": Format.ATSPI,
}
NO_LIMIT = 10**9
CHANGED_SINCE = {
    "android/philo-tv/ui_dump__2025-01-27_d68365a.xml",
    "android/philo-tv/window_dump__2025-01-03_d35390b.xml",
}
"""Listed twice, with the counts of two files of which one replaced the other."""


def rows() -> list[dict[str, str]]:
    with (CORPUS / "MANIFEST.tsv").open(encoding="utf-8") as manifest:
        return list(csv.DictReader(manifest, delimiter="\t"))


def content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def expected(row: dict[str, str], data: bytes) -> int:
    """How many nodes must be left: in CDP all but ignored ones, line boxes, repetitions."""
    if row["kind"] != "web":
        return int(row["nodes"])
    nodes = {n["nodeId"]: n for n in msgspec.json.decode(data)["nodes"]}
    boxes = Counter(n["role"].get("value") for n in nodes.values())["InlineTextBox"]
    ignored = sum(bool(n["ignored"]) for n in nodes.values())
    return len(nodes) - boxes - ignored


def with_parts(path: Path, data: bytes) -> Parsed:
    """A web capture with its DOM data and its child frames."""
    base = path.name.removesuffix(".ax.json.gz")
    frames = sorted(path.parent.glob(f"{base}.frame*.ax.json.gz"))
    return parse(
        data,
        dom=content(path.with_name(f"{base}.dom.json.gz")),
        frames=[content(frame) for frame in frames],
        max_bytes=NO_LIMIT,
    )


def test_every_tree_is_read_whole() -> None:
    wrong = []
    for row in rows():
        data = content(CORPUS / row["path"])
        parsed = parse(data, max_bytes=NO_LIMIT)
        Tree.checked(parsed.tree.nodes, parsed.tree.parents)
        assert parsed.format is FORMATS[row["kind"]] is detect(data)
        if len(parsed.tree) != expected(row, data) and row["path"] not in CHANGED_SINCE:
            wrong.append(f"{row['path']}: {len(parsed.tree)} of {expected(row, data)} nodes")
    assert wrong == []


def test_dom_data_and_frames_add_to_the_tree_and_change_no_role_or_name() -> None:
    for row in rows():
        path = CORPUS / row["path"]
        data = content(path)
        if row["kind"] != "web" or len(data) > 5_000_000:
            continue
        alone, whole = parse(data).tree, with_parts(path, data)
        assert any(node.bounds for node in whole.tree.nodes), row["path"]
        assert len(whole.tree) >= len(alone)
        if len(whole.tree) == len(alone):
            assert whole.tree.parents == alone.parents
            pairs = zip(whole.tree.nodes, alone.nodes, strict=True)
            assert all((a.role, a.name, a.states) == (b.role, b.name, b.states) for a, b in pairs)
        assert own.decode(own.encode(whole.tree)) == whole.tree


def test_frames_are_joined_and_only_the_cross_origin_one_is_missing() -> None:
    frames = sorted(CORPUS.glob("web/*/*.frame1.ax.json.gz"))
    assert frames
    for frame in frames:
        path = frame.with_name(frame.name.replace(".frame1", ""))
        parsed = with_parts(path, content(path))
        roots = [node for node in parsed.tree.nodes if node.role == "RootWebArea"]
        assert len(roots) == 2
        missing = [gap.detail for gap in parsed.gaps]
        assert all("cross origin" in detail for detail in missing)
        assert len(missing) == (1 if "edge-page" in str(path) else 0)


def test_every_aria_snapshot_is_read() -> None:
    paths = sorted(CORPUS.glob("web/*/*.aria.yml*"))
    assert paths
    for path in paths:
        data = content(path)
        parsed = parse(data, max_bytes=NO_LIMIT)
        lines = sum(line.lstrip().startswith("- ") for line in data.decode().split("\n"))
        properties = data.decode().count("- /")
        assert parsed.format is Format.ARIA
        assert len(parsed.tree) > lines - properties, path


def test_a_cut_off_capture_is_never_taken_for_a_whole_one() -> None:
    for row in rows():
        data = content(CORPUS / row["path"])
        if len(data) > 300_000:
            continue
        for cut in (data[: len(data) // 3], data[: len(data) - 3]):
            with pytest.raises(DomainError):
                parse(cut)
