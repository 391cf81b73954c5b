"""The commands of `sz`, as there are now: what walks them covers a new one, too."""

from __future__ import annotations

from collections.abc import Iterator

import click

from systemzero_client.cli.lazy import Listed
from systemzero_client.cli.main import sz


def commands(
    group: click.Group = sz, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command by its path, groups included."""
    for name, listed in sorted(group.commands.items()):
        command = listed.load() if isinstance(listed, Listed) else listed
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
