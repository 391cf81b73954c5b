"""The log as a document for people: CSV and HTML. The verifiable export is the log store's own."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import AsyncIterator

from systemzero_core.tlog import Entry
from systemzero_evidence.log import LogStore

CHUNK_BYTES = 65_536
_PAGE = 500
_COLUMNS = ("index", "create_time", "kind", "leaf_hash", "body")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def chunks(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """`lines` gathered into chunks of at most `CHUNK_BYTES`."""
    buffer = bytearray()
    async for line in lines:
        buffer += line
        while len(buffer) >= CHUNK_BYTES:
            yield bytes(buffer[:CHUNK_BYTES])
            del buffer[:CHUNK_BYTES]
    if buffer:
        yield bytes(buffer)


async def csv_lines(log: LogStore, tenant: str, start: int) -> AsyncIterator[bytes]:
    """RFC 4180, UTF-8, with a header line. No cell is taken for a formula by a spreadsheet."""
    yield _csv(_COLUMNS)
    async for entry in _entries(log, tenant, start):
        yield _csv(tuple(_inert(cell) for cell in _cells(entry)))


def _csv(cells: tuple[str, ...]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue().encode()


def _inert(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA) else cell


async def html_lines(log: LogStore, tenant: str, start: int, title: str) -> AsyncIterator[bytes]:
    """One page with one table; everything from outside is escaped."""
    title = html.escape(f"{title} of {tenant}")
    yield (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<h1>{title}</h1><table><thead><tr>"
    ).encode()
    yield "".join(f"<th>{name}</th>" for name in _COLUMNS).encode()
    yield b"</tr></thead><tbody>\n"
    async for entry in _entries(log, tenant, start):
        row = "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(entry))
        yield f"<tr>{row}</tr>\n".encode()
    yield b"</tbody></table></html>\n"


def _cells(entry: Entry) -> tuple[str, ...]:
    body = "(erased)" if entry.body is None else entry.body.decode()
    return (str(entry.index), entry.create_time, entry.kind, entry.leaf_hash.hex(), body)


async def _entries(log: LogStore, tenant: str, start: int) -> AsyncIterator[Entry]:
    while page := await log.list_entries(tenant, start, _PAGE):
        for entry in page:
            yield entry
        start = page[-1].index + 1
