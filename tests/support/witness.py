"""A small witness of c2sp.org/tlog-witness: real HTTP, real checks, its memory in this process."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero_core.tlog import (
    Checkpoint,
    LogVerificationError,
    VerifierKey,
    WitnessKey,
    cosigned_message,
    parse_checkpoint,
    split_note,
    verify_checkpoint,
    verify_consistency,
)

TIME = 1_800_000_000


class Reply(NamedTuple):
    """What the witness answers."""

    status: int
    body: str = ""
    kind: str = "text/plain"


class FakeWitness:
    """A witness of the logs whose keys it is given.

    Attributes:
        url: its submission prefix.
        seen: the last checkpoint that it cosigned, by origin.
        answer: what it answers with; a test may put another in its place.
    """

    def __init__(self, name: str = "witness.example/w1") -> None:
        self._key = Ed25519PrivateKey.generate()
        self.verifier = WitnessKey(name, self._key.public_key().public_bytes_raw())
        self.url = ""
        self.logs: dict[str, VerifierKey] = {}
        self.seen: dict[str, Checkpoint] = {}
        self.requests: list[bytes] = []
        self.answer: Callable[[bytes], Reply] = self.add_checkpoint
        self._lock = threading.Lock()

    def trust(self, vkey: str) -> None:
        """Witness the log of this key from now on."""
        key = VerifierKey.parse(vkey)
        self.logs[key.name] = key

    def add_checkpoint(self, body: bytes) -> Reply:
        """The protocol's one call."""
        head, _, note = body.decode().partition("\n\n")
        old, *proof = head.split("\n")
        old_size = int(old.removeprefix("old "))
        key = self.logs.get(parse_checkpoint(note).origin)
        if key is None:
            return Reply(404)
        try:
            new = verify_checkpoint(note, [key])
        except LogVerificationError:
            return Reply(403)
        with self._lock:
            return self._checked(new, note, old_size, [base64.b64decode(line) for line in proof])

    def _checked(self, new: Checkpoint, note: str, old_size: int, proof: list[bytes]) -> Reply:
        last = self.seen.get(new.origin)
        known = last.size if last else 0
        if old_size > new.size:
            return Reply(400)
        if old_size != known or (last and new.size == known and new.root != last.root):
            return Reply(409, f"{known}\n", "text/x.tlog.size")
        if last is not None:
            try:
                verify_consistency(old_size, last.root, new.size, new.root, proof)
            except LogVerificationError:
                return Reply(422)
        self.seen[new.origin] = new
        return Reply(200, self.line(note))

    def line(self, note: str) -> str:
        """The signature line over a checkpoint."""
        message = cosigned_message(split_note(note)[0], TIME)
        signature = TIME.to_bytes(8, "big") + self._key.sign(message)
        encoded = base64.b64encode(self.verifier.key_id + signature).decode()
        return f"— {self.verifier.name} {encoded}\n"


@contextmanager
def serving_witness(witness: FakeWitness) -> Iterator[FakeWitness]:
    """Serves it on a free port, below a path."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            witness.requests.append(body)
            found = self.path == "/log/add-checkpoint"
            reply = witness.answer(body) if found else Reply(404)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.end_headers()
            self.wfile.write(reply.body.encode())

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    witness.url = f"http://127.0.0.1:{server.server_port}/log"
    try:
        yield witness
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
