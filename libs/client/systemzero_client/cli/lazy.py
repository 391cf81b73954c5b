"""Commands that are imported when they are run, not when they are listed."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """A command before it is imported.

    Attributes:
        place: `module:name`, the module being one of this package.
        help: the first sentence of the command's own help.
    """

    place: str
    help: str


class Listed(click.Command):
    """What the list of commands knows of one; `load` is the command itself."""

    def __init__(self, name: str, entry: Entry) -> None:
        super().__init__(name, help=entry.help)
        self._place = entry.place

    def load(self) -> click.Command:
        """The command, imported."""
        module, _, name = self._place.partition(":")
        found: click.Command = getattr(import_module(f"{__package__}.{module}"), name)
        return found


class LazyGroup(click.Group):
    """A group that imports a command when it is called by its name, or asked for its help."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click has it, but with the command itself."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Listed) else command, rest
