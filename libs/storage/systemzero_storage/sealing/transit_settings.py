"""Settings of a key in the transit engine of OpenBao or Vault."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from systemzero_base.settings.config import Settings


class TransitSettings(Settings, frozen=True, kw_only=True):
    """A key server and the key there.

    Attributes:
        url: `https://host:8200`; without TLS only to this machine.
        key: the key's name, of a type with associated data (`aes256-gcm96`, the default there).
        token_file: file with the token, read anew at each call: an agent may renew it.
        mount: where the transit engine is mounted.
        namespace: the namespace, if the server has any.
        ca_file: certificates of the authorities to trust; the system's, if not set.
        timeout: seconds that an answer may take.
    """

    url: str
    key: str
    token_file: Path
    mount: str = "transit"
    namespace: str = ""
    ca_file: Path | None = None
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
