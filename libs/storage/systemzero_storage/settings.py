"""Settings of a service's database: the section `database` of every service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from systemzero_base.settings.config import ConfigError, Count, Settings

Timeout = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class DatabaseSettings(Settings, frozen=True, kw_only=True):
    """Where the database is; nothing set: a SQLite file in the service's data folder.

    Attributes:
        url: `postgresql://role@host:port/database`, without a password.
        url_file: file with such a URL, which may have a password; one of the two is set at most.
        pool: connections of a process.
        pool_timeout: seconds that a job waits for one of them.
        statement_timeout: seconds that a statement may take.
        lock_timeout: seconds that a statement waits for others' locks.
    """

    url: str = ""
    url_file: Path | None = None
    pool: Count = 10
    pool_timeout: Timeout = 10.0
    statement_timeout: Timeout = 30.0
    lock_timeout: Timeout = 10.0

    def location(self) -> str:
        """The URL; empty for the embedded default.

        Raises:
            ConfigError: both are set, the file can't be read, or a password stands in `url`.
        """
        if self.url_file is None:
            if "@" in self.url and ":" in self.url.rpartition("@")[0].partition("//")[2]:
                raise ConfigError(
                    "configuration: database.url: has a password; "
                    "put the URL into a file and name that in database.url_file"
                )
            return self.url
        if self.url:
            raise ConfigError("configuration: database: url or url_file, not both")
        try:
            return self.url_file.read_text().strip()
        except OSError as error:
            raise ConfigError(
                f"configuration: database.url_file: {self.url_file}: {error.strerror}"
            ) from None
