"""Files in the data folder that more than the running service knows of."""

from __future__ import annotations

from typing import Final

LOG_KEY: Final = "log.key"
"""The key that signs the log."""
PAGE_TOKENS: Final = "page-tokens.key"
"""The secret that seals page tokens."""
ORIGIN_FILE: Final = "origin"
"""The log's origin, where none is configured."""
