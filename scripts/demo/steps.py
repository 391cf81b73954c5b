"""What a step may find out."""

from __future__ import annotations


class Unexpected(Exception):
    """A step did not end as it should."""


def expect(found: object, wanted: object, what: str) -> None:
    """Check the outcome of a step.

    Raises:
        Unexpected: it is another one.
    """
    if found != wanted:
        raise Unexpected(f"{what}: expected {wanted}, found {found}")
