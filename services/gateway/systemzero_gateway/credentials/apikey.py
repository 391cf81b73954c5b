"""API keys: making their secrets, what is stored of them. `systemzero_core.apikey` has the form.

A key's kind says whose it is: `live` of a tenant, `platform` of the platform's own tenant, so that
whoever finds one knows how bad it is.

A key is stored as HMAC-SHA256 under a pepper that is not in the database, so that neither a stolen
database nor a stolen pepper lets anyone test guesses. A slow hash would add nothing: the entropy is
out of any guesser's reach.
"""

from __future__ import annotations

import hmac
import secrets
from enum import StrEnum

from systemzero_core.apikey import ALPHABET, ENTROPY_CHARACTERS, is_well_formed, with_checksum
from systemzero_gateway.access.policy import PLATFORM_TENANT

__all__ = ["Kind", "digest", "is_well_formed", "kind_of", "new_secret"]


class Kind(StrEnum):
    """What stands in a key for all to see."""

    LIVE = "live"
    PLATFORM = "platform"


def kind_of(tenant: str) -> Kind:
    """The kind of the keys of `tenant`."""
    return Kind.PLATFORM if tenant == PLATFORM_TENANT else Kind.LIVE


def new_secret(kind: Kind = Kind.LIVE) -> str:
    """A new key's secret, from the system's random source."""
    entropy = "".join(secrets.choice(ALPHABET) for _ in range(ENTROPY_CHARACTERS))
    return with_checksum(kind, entropy)


def digest(pepper: bytes, secret: str) -> bytes:
    """What is stored of a key: 32 bytes."""
    return hmac.digest(pepper, secret.encode(), "sha256")
