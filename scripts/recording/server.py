"""A web server on loopback that serves folders, texts, and pages that never finish loading.

Invariants:
1. It listens on 127.0.0.1 only, on a port the system chooses.
2. A held path answers nothing until the site closes: that is what a half-loaded page waits for.
"""

from __future__ import annotations

import mimetypes
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


@dataclass
class Site:
    """What is served now; a scene changes it between two captures.

    Attributes:
        port: where it listens on 127.0.0.1.
        folders: URL prefix (`/assets/`) to the folder whose files stand under it.
        pages: URL path to a text; these win over folders.
        held: URL paths whose answer never comes.
    """

    port: int = 0
    folders: dict[str, Path] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    closing: threading.Event = field(default_factory=threading.Event)

    def find(self, path: str) -> bytes | None:
        """The body at `path`, or None. A path that climbs out of its folder finds nothing."""
        if path in self.pages:
            return self.pages[path].encode()
        for prefix, folder in self.folders.items():
            file = (folder / path.removeprefix(prefix)).resolve()
            if path.startswith(prefix) and file.is_relative_to(folder.resolve()) and file.is_file():
                return file.read_bytes()
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answer one request, or hold it."""
        site, path = self.server.site, urlsplit(self.path).path
        if path in site.held:
            site.closing.wait()
            return
        body = site.find(path)
        self.send_response(HTTPStatus.NOT_FOUND if body is None else HTTPStatus.OK)
        kind = mimetypes.guess_type(path)[0] or "text/html"
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Quiet: the recorder reports captures, not requests."""


@contextmanager
def serve(
    folders: Mapping[str, Path] | None = None, pages: Mapping[str, str] | None = None
) -> Iterator[Site]:
    """A running site; it stops, and lets go of held requests, when the block ends."""
    site = Site(folders=dict(folders or {}), pages=dict(pages or {}))
    server = _Server(site)
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
