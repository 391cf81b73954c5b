"""`sz captures`: what was stored, read back and erased."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from systemzero_client.cli.exits import Exit
from systemzero_client.cli.options import ListingGroup, confirmation
from systemzero_client.cli.output import to_dict
from systemzero_client.cli.problems import Problem
from systemzero_client.cli.remote import Remote, first, remote
from systemzero_client.cli.terminal import note
from systemzero_client.cli.text import printable, time_text
from systemzero_client.writing import component, write_whole
from systemzero_core.formats import Format, own

if TYPE_CHECKING:
    from systemzero.capture.v1 import capture_pb2

_ENDINGS: dict[str, str] = {
    Format.CDP: ".ax.json",
    Format.ARIA: ".aria.yml",
    Format.UIAUTOMATOR: ".xml",
    Format.APPIUM_IOS: ".xml",
    Format.APPIUM_WINDOWS: ".xml",
}
_IMAGES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


@click.group(cls=ListingGroup)
def captures() -> None:
    """List, read and delete stored captures."""


@captures.command("list")
@click.option("--app", default="", help="Only those of an application.")
@click.option("--session", default="", help="Only those of a session.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@remote
async def list_(remote: Remote, app: str, session: str, limit: int | None) -> None:
    """List captures, newest first."""
    found = remote.client.captures.list(app=app, session=session, page_size=min(limit or 200, 200))
    async for capture in first(found, limit):
        remote.output.result(to_dict(capture), [_line(capture)])


@captures.command()
@click.argument("capture")
@click.option("--tree", "wants_tree", is_flag=True, help="Write the normalised tree.")
@click.option("--native", "wants_native", is_flag=True, help="Write the document as it was sent.")
@click.option("--screenshot", "wants_screenshot", is_flag=True, help="Write the screenshot.")
@click.option(
    "folder",
    "-o",
    "--output",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write into; the current one if not given.",
)
@remote
async def get(
    remote: Remote,
    capture: str,
    wants_tree: bool,
    wants_native: bool,
    wants_screenshot: bool,
    folder: Path,
) -> Exit:
    """Show a capture; write what was kept of it into files, named after its id.

    A native document is written so that `sz capture` takes it again: CDP's parts lie beside it.
    """
    found = await remote.client.captures.get(
        capture,
        include_tree=wants_tree,
        include_native=wants_native,
        include_screenshot=wants_screenshot,
    )
    missing = list(
        _not_kept(found, tree=wants_tree, native=wants_native, screenshot=wants_screenshot)
    )
    if found.capture_id != capture:
        raise Problem(f"the server did not answer with {capture}, but with another capture")
    written = _write_files(found, folder)
    found.ClearField("tree")
    found.originals.ClearField("native")
    found.originals.ClearField("screenshot")
    lines = [_line(found), *_originals(found.originals), *(f"  wrote {name}" for name in written)]
    remote.output.result({"capture": to_dict(found), "files": written}, lines)
    for what in missing:
        note(f"sz: no {what} is kept of {found.capture_id}")
    return Exit.ERROR if missing else Exit.UNCHANGED


def _not_kept(
    found: capture_pb2.Capture, *, tree: bool, native: bool, screenshot: bool
) -> Iterator[str]:
    """What is wanted of a capture and is not there."""
    if tree and not found.HasField("tree"):
        yield "tree"
    if native and not found.originals.HasField("native"):
        yield "native document"
    if screenshot and not found.originals.screenshot:
        yield "screenshot"


@captures.command()
@click.argument("capture")
@confirmation("The capture and what its events say of it are erased. Go on?")
@remote
async def delete(remote: Remote, capture: str) -> None:
    """Erase a capture, what was kept of it, and what its events say of the screen."""
    found = await remote.client.captures.delete(capture)
    remote.output.result({"capture": to_dict(found)}, [f"DELETED {_line(found)}"])


def _write_files(capture: capture_pb2.Capture, folder: Path) -> list[str]:
    written = []
    for ending, data in _files(capture):
        path = folder / f"{component(capture.capture_id)}{ending}"
        write_whole(path, data)
        written.append(str(path))
    return written


def _files(capture: capture_pb2.Capture) -> Iterator[tuple[str, bytes]]:
    """The files that a capture's contents make, as (ending of the name, bytes)."""
    from systemzero_client.messages import decode_tree, format_name

    if capture.HasField("tree"):
        yield ".tree.json", own.encode(decode_tree(capture.tree))
    native = capture.originals.native
    if native.data:
        yield _ENDINGS.get(format_name(capture.format), ".json"), native.data
    if native.dom:
        yield ".dom.json", native.dom
    for number, frame in enumerate(native.frames, 1):
        yield f".frame{number}.ax.json", frame
    if capture.originals.screenshot:
        yield (
            _IMAGES.get(capture.originals.screenshot_info.media_type, ""),
            (capture.originals.screenshot),
        )


def _originals(originals: capture_pb2.Originals) -> Iterator[str]:
    infos = {"native document": originals.native_info, "screenshot": originals.screenshot_info}
    for name, info in infos.items():
        if info.size_bytes:
            yield f"  {name}: {info.size_bytes} bytes, SHA-256 {info.sha256.hex()}"


def _line(capture: capture_pb2.Capture) -> str:
    erased = f"  erased {time_text(capture.erase_time)}" if capture.HasField("erase_time") else ""
    what = printable(" ".join(filter(None, (capture.app, capture.screen_hint))))
    return (
        f"{capture.capture_id}  {time_text(capture.create_time)}  {capture.node_count} nodes  "
        f"{what}{erased}"
    ).rstrip()
