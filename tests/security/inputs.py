"""Malformed inputs of every kind, made from a source of chance: the same seed, the same inputs.

An input is bytes for a connection, and whether something must come back. Whoever sends one that may
have broken the connection makes a new one.
"""

from __future__ import annotations

import gzip
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from systemzero_gateway.credentials import apikey
from tests.support.http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GO_AWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PUSH,
    RESET,
    SETTINGS,
    WINDOW,
    call_block,
    frame,
    message,
)

KINDS: Final = (DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GO_AWAY, WINDOW, CONTINUATION)
BOMB: Final = 60_000_000
"""Bytes that a bomb has once it is decompressed; about a thousandth of that before."""


class Input(NamedTuple):
    """What to send: `parts` one after the other. `answered`: something must come back."""

    kind: str
    parts: Sequence[bytes]
    answered: bool = False
    breaks: bool = True


class Maker:
    """Makes inputs for streams of a connection, some of them with a good credential."""

    def __init__(self, chance: random.Random, methods: Sequence[str], key: str) -> None:
        self._chance = chance
        self._methods = methods
        self._key = key.encode()
        zeros = bytes(BOMB)
        self._bombs = {b"gzip": gzip.compress(zeros), b"deflate": zlib.compress(zeros, 9)}
        self._makers: tuple[tuple[int, Callable[[int], Input]], ...] = (
            (2, self._frames), (2, self._greeting), (20, self._lying), (20, self._metadata),
            (5, self._huge_metadata), (30, self._varints), (1, self._bomb), (2, self._slowly),
            (8, self._half_closed), (20, self._new_key), (4, self._header_names),
        )  # fmt: skip

    def make(self, stream: int) -> Input:
        """The next input, for `stream`."""
        weights, makers = zip(*self._makers, strict=True)
        maker: Callable[[int], Input] = self._chance.choices(makers, weights)[0]
        return maker(stream)

    def _bytes(self, most: int) -> bytes:
        return self._chance.randbytes(self._chance.randrange(most + 1))

    def _headers(self, *more: tuple[bytes, bytes], key: bytes | None = None) -> bytes:
        bearer = b"Bearer " + (self._key if key is None else key)
        path = self._chance.choice(self._methods).encode()
        return call_block(path, (b"authorization", bearer), (b"grpc-timeout", b"200m"), *more)

    def _call(self, stream: int, body: bytes, *more: tuple[bytes, bytes]) -> bytes:
        """A whole call whose body is `body`, framed or not."""
        return frame(HEADERS, END_HEADERS, stream, self._headers(*more)) + frame(
            DATA, END_STREAM, stream, body
        )

    def _frames(self, stream: int) -> Input:
        """Frames of any kind with any flags, for any stream, as long as they say or not."""
        chance, parts = self._chance, []
        for _ in range(chance.randrange(1, 6)):
            payload = self._bytes(200)
            length = chance.choice((None, 0, len(payload) + 1, 2**24 - 1))
            target = chance.choice((0, stream, stream + 1, 2**31 - 1))
            parts.append(
                frame(chance.randrange(256) if chance.random() < 0.2 else chance.choice(KINDS),
                      chance.randrange(256), target, payload, length)
            )  # fmt: skip
        return Input("frames", parts)

    def _greeting(self, stream: int) -> Input:
        """Bytes where the connection's preface belongs."""
        preface = bytearray(PREFACE)
        preface[self._chance.randrange(len(preface))] ^= self._chance.randrange(1, 256)
        return Input("greeting", [bytes(preface) + self._bytes(500)])

    def _lying(self, stream: int) -> Input:
        """gRPC messages whose prefix lies: about the length, compression, their number."""
        chance, body = self._chance, self._bytes(300)
        length = chance.choice((0, len(body) + 1, 2**31, 2**32 - 1, max(0, len(body) - 1)))
        framed = chance.choice((
            message(body, length=length),
            message(body, compressed=chance.randrange(1, 256)),
            message(body) + message(body),
            body[:4],
            b"",
        ))  # fmt: skip
        encoding = chance.choice((b"identity", b"gzip", b"br", b"", b"gzip,gzip", b"\xff"))
        return Input("lying", [self._call(stream, framed, (b"grpc-encoding", encoding))], True)

    def _metadata(self, stream: int) -> Input:
        """Metadata that is none: not base 64, not text, twice, forged, of whatever it likes."""
        chance, value = self._chance, self._bytes(100)
        name = chance.choice((
            b"x-raw-bin", b"authorization", b"sz-identity", b"grpc-timeout", b"traceparent",
            b"grpc-trace-bin", b"x-request-id", b"content-length", b"grpc-status", b"cookie",
        ))  # fmt: skip
        call = self._call(stream, message(b""), (name, value), (name, value[::-1]))
        return Input("metadata", [call], True)

    def _huge_metadata(self, stream: int) -> Input:
        """10,000 bytes of headers and more."""
        size = self._chance.choice((10_000, 16_000, 17_000, 60_000))
        block = self._headers((b"x-large", b"x" * size))
        first, rest = block[:16_000], block[16_000:]
        parts = [frame(HEADERS, 0 if rest else END_HEADERS | END_STREAM, stream, first)]
        while rest:
            piece, rest = rest[:16_000], rest[16_000:]
            parts.append(frame(CONTINUATION, 0 if rest else END_HEADERS, stream, piece))
        return Input("huge metadata", [*parts, frame(DATA, END_STREAM, stream)], True)

    def _header_names(self, stream: int) -> Input:
        """Names that no header may have, and pseudo-headers in the wrong places."""
        name = self._chance.choice(
            (b"UPPER", b"", b":path", b":status", b"a\x00b", b"a\r\nb", b"connection", b"\xff\xfe")
        )
        return Input("names", [self._call(stream, message(b""), (name, self._bytes(20)))], True)

    def _varints(self, stream: int) -> Input:
        """Bytes that look like a protobuf message, and are none or a deep one."""
        chance = self._chance
        body = chance.choice((
            self._bytes(400),
            b"\xff" * chance.randrange(1, 40),
            b"\x0b" * chance.randrange(1, 5_000),  # groups within groups
            b"\x0a" + b"\xff\xff\xff\xff\x0f" + self._bytes(50),
            b"".join(struct.pack("<BI", chance.randrange(256), chance.randrange(2**32))
                     for _ in range(chance.randrange(50))),
            b"\x0a\x80" * 500,
        ))  # fmt: skip
        return Input("varints", [self._call(stream, message(body))], True, breaks=False)

    def _bomb(self, stream: int) -> Input:
        """A small message that is a large one."""
        encoding = self._chance.choice(sorted(self._bombs))
        bomb = message(self._bombs[encoding], compressed=1)
        head = frame(HEADERS, END_HEADERS, stream, self._headers((b"grpc-encoding", encoding)))
        pieces = [bomb[i : i + 16_000] for i in range(0, len(bomb), 16_000)]
        last = len(pieces) - 1
        return Input(
            "bomb",
            [head, *(frame(DATA, END_STREAM * (i == last), stream, piece)
                     for i, piece in enumerate(pieces))],
            True,
        )  # fmt: skip

    def _slowly(self, stream: int) -> Input:
        """A call that comes byte by byte, and never ends."""
        whole = self._call(stream, message(self._bytes(100)))
        return Input("slowly", [bytes([byte]) for byte in whole[: self._chance.randrange(1, 200)]])

    def _half_closed(self, stream: int) -> Input:
        """Calls that are given up, or over, before they began."""
        head = frame(HEADERS, END_HEADERS, stream, self._headers())
        code = struct.pack(">I", self._chance.randrange(14))
        return self._chance.choice((
            Input("half closed", [frame(HEADERS, END_HEADERS | END_STREAM, stream,
                                        self._headers())], True, breaks=False),
            Input("reset", [head, frame(RESET, 0, stream, code)], breaks=False),
            Input("reset late", [head, frame(DATA, 0, stream, message(b"", length=9)),
                                 frame(RESET, 0, stream, code)], breaks=False),
            Input("open", [head]),
            Input("padded", [head, frame(DATA, END_STREAM | PADDED, stream, b"\xff\x00\x00")]),
        ))  # fmt: skip

    def _new_key(self, stream: int) -> Input:
        """A credential that nobody gave out, another one each time."""
        chance = self._chance
        secret = apikey.new_secret() if chance.random() < 0.5 else ""
        key = secret.encode() or chance.choice((
            self._bytes(60), b"a" * chance.randrange(5_000),
            b"eyJhbGciOiJub25lIn0." + self._bytes(30).hex().encode() + b".",
        ))  # fmt: skip
        head = frame(HEADERS, END_HEADERS, stream, self._headers(key=key))
        return Input("new key", [head, frame(DATA, END_STREAM, stream, message(b""))], True)
