"""Files in the data folder that more than the running service knows of."""

from __future__ import annotations

from typing import Final

PAGE_TOKENS: Final = "page-tokens.key"
"""The secret that seals page tokens, and that the MACs of erasures' notes are made with."""
