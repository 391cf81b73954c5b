"""What jobs met that looking at a database does not show: a disk that is full or fails, damage.

A database on a full disk answers every question, and a damaged one all but those whose pages are
damaged. So what the last jobs met is remembered, for those who ask whether it can be used.
"""

from __future__ import annotations

from systemzero_core.errors import DataCorrupted, DomainError
from systemzero_storage.jobs.errors import lasting
from systemzero_storage.jobs.queue import Batch


class RecentErrors:
    """The last such errors of one database. From any thread."""

    def __init__(self) -> None:
        self.of_writing: DomainError | None = None
        self.damage: DomainError | None = None

    def met(self, error: BaseException) -> None:
        """A job failed: take notice if others will, too."""
        found = lasting(error)
        if isinstance(found, DataCorrupted):
            self.damage = found  # for good: what is damaged does not mend itself
        elif found is not None:
            self.of_writing = found

    def wrote(self) -> None:
        """A job was committed."""
        self.of_writing = None


def note_outcome(batch: Batch, trouble: RecentErrors) -> None:
    """Take notice of how the jobs of a batch ended."""
    for job in batch:
        if job.error is None:
            trouble.wrote()
        else:
            trouble.met(job.error)
