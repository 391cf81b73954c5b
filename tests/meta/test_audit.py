"""What the audit finds, and that silence is never taken for an all-clear."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts.audit import __main__ as command
from scripts.audit.code import weaknesses
from scripts.audit.dependencies import audit, services

LOCK = "\n    ".join(("good==1.0 \\", "--hash=sha256:" + "0" * 64)) + "\n"
LOCK += LOCK.replace("good", "holed")


class Osv(BaseHTTPRequestHandler):
    """A vulnerability service that knows of one hole."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer: dict[str, Any] = {}
        if asked["package"]["name"] == "holed":
            ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}]
            affected = [{"package": {"name": "holed", "ecosystem": "PyPI"}, "ranges": ranges}]
            answer["vulns"] = [{"id": "PYSEC-0-1", "summary": "a hole", "affected": affected}]
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Osv)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(LOCK)
    return path


def test_a_vulnerable_package_is_named_with_the_version_that_mends_it(lock: Path) -> None:
    with serving() as url:
        told = audit(lock, services(url))
    assert told.vulnerable == ("holed 1.0: PYSEC-0-1 (fixed in 1.1)",)
    assert (told.audited, told.unaudited) == (2, ())


def test_a_service_that_does_not_answer_leaves_all_unaudited(lock: Path) -> None:
    with serving() as url:
        pass  # nobody is behind it any more
    told = audit(lock, services(url))
    assert (told.audited, told.vulnerable, told.unaudited) == (0, (), ("good", "holed"))
    assert "onnection" in told.why


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import hashlib\nhashlib.md5(b'')\n", ["B324"]),
        ("import hashlib\nhashlib.md5(b'')  # noqa: S324 - a checksum\n", []),
        ("import hashlib\nhashlib.md5(b'')  # nosec B324 - a checksum\n", []),
        ("import hashlib\nhashlib.md5(b'')  # noqa: S324\n", ["without a reason"]),
        ("import hashlib\nhashlib.md5(b'')  # noqa: S101 - another\n", ["B324"]),
    ],
)
def test_code_is_clean_or_waived_with_a_reason(text: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(text)
    lines = weaknesses([tmp_path])
    assert len(lines) == len(found), lines
    assert all(word in line for word, line in zip(found, lines, strict=True))


class TestTheCommand:
    @pytest.fixture(autouse=True)
    def _elsewhere(self, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(command, "ROOT", lock.parent)
        for name in command.SHIPPED:
            (lock.parent / name).mkdir()
        monkeypatch.delenv("AUDIT", raising=False)

    def test_fails_for_a_finding(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving() as url:
            monkeypatch.setenv("AUDIT_OSV_URL", url)
            assert command.main([]) == 1

    def test_passes_loudly_where_nobody_answers_unless_it_is_strict(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("AUDIT_OSV_URL", "http://127.0.0.1:9/v1/query")
        assert command.main([]) == 0
        assert "NOT AUDITED: 2 packages" in capsys.readouterr().out
        monkeypatch.setenv("AUDIT", "strict")
        assert command.main([]) == 1
