"""What shows that an unfinished erasure was noted by this service: a MAC.

A note stands in the database, where others may write, and the service acts on it: it has the diff
service erase evidence. So it says who asked, and has a MAC by a key outside the database.

    KEY   HKDF-SHA256 of the secret that seals page tokens, no salt, info `systemzero.erasure.mac/1`
    MAC   HMAC-SHA256(KEY, JSON array of tenant, capture id, principal id, time)

The key is derived from a secret that is there already and is the same in every replica: a file of
its own would be one more to lose.
"""

from __future__ import annotations

import hmac
from typing import Final

import msgspec

from systemzero_base.internal.identity import Principal
from systemzero_base.keyfile import derived
from systemzero_capture.model import ErasureNote, ErasureRequest

_INFO: Final = b"systemzero.erasure.mac/1"


class NoteMacs:
    """Makes and checks the MACs of notes."""

    def __init__(self, secret: bytes) -> None:
        """`secret` is the one that seals page tokens."""
        self._key = derived(secret, _INFO)

    def asked(self, principal: Principal, capture_id: str, time: int) -> ErasureRequest:
        """What goes into the note of an erasure that a principal asked for."""
        who = principal.principal_id
        return ErasureRequest(who, self._mac(principal.tenant, capture_id, who, time))

    def holds(self, note: ErasureNote) -> bool:
        """Whether this service wrote the note."""
        asked = note.asked
        made = self._mac(note.tenant, note.capture_id, asked.principal_id, note.create_time)
        return hmac.compare_digest(made, asked.mac)

    def _mac(self, *said: str | int) -> bytes:
        return hmac.digest(self._key, msgspec.json.encode(said), "sha256")
