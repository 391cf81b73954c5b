"""Files in the folders for data and notes that more than the running service knows of."""

from __future__ import annotations

import errno
from typing import Final

PEPPER: Final = "pepper.key"
"""The secret under which keys are hashed."""
ADMIN_KEY: Final = "admin.key"
"""The secret of the default tenant's first admin key."""
PLATFORM_KEY: Final = "platform.key"
"""The secret of the platform's own tenant's first admin key."""
ENDED: Final = "ended"
"""Which keys and secrets have ended, by digest; without it they end by the database alone."""
FAMILIAR: Final = "familiar"
"""Who was let in within the day, by digest; without it guesses may hold up who comes back."""
READ_ONLY: Final = frozenset((errno.EROFS, errno.EACCES, errno.EPERM))
"""Errors of a folder that is given to be read alone, as mounted keys are."""
