"""Paths as messages: the steps nearest to the node, as far as they go into their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from systemzero.diff.v1 import edit_script_pb2 as pb
from systemzero_core.diff import MAX_PATH_STEPS, PathStep
from systemzero_core.tree import Tree
from systemzero_diff.codec import cut

ROLE_BYTES: Final = 200
NAME_BYTES: Final = 1_000
PATH_BYTES: Final = 8_000
"""What the steps of one path come to, but for the node's own."""


class ShownPath(NamedTuple):
    """The steps that are shown, the node's own last, and how many are left out before them."""

    steps: list[pb.PathStep]
    left_out: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out, nor of any text."""
        return not self.left_out and not any(step.left_out for step in self.steps)


class Depths:
    """How many steps there are to the nodes of a tree; worked out where a path was cut before."""

    __slots__ = ("_depths", "_tree")

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._depths: list[int] = []

    def of(self, index: int, path: Sequence[PathStep]) -> int:
        """The steps from the root to the node `index`, whose `path` may lack the first ones."""
        if len(path) < MAX_PATH_STEPS or not 0 <= index < len(self._tree):
            return len(path)
        if not self._depths:
            depths = [0]  # above the root, which is parent -1
            for parent in self._tree.parents:
                depths.append(depths[parent + 1] + 1)
            self._depths = depths
        return self._depths[index + 1]


class ShownSteps:
    """Steps as messages, each made once: the paths of a verdict begin alike."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[PathStep, tuple[pb.PathStep, int]] = {}

    def of(self, step: PathStep) -> tuple[pb.PathStep, int]:
        """A step, and its bytes."""
        known = self._known.get(step)
        if known is None:
            message = _encode(step)
            known = self._known[step] = message, message.ByteSize()
        return known


def shown_path(
    path: Sequence[PathStep], depth: int = 0, steps: ShownSteps | None = None
) -> ShownPath:
    """`path` as messages; `depth` is how many steps it has where it lacks the first ones."""
    shown: list[pb.PathStep] = []
    steps = steps or ShownSteps()
    room = PATH_BYTES
    for step in reversed(path):
        message, size = steps.of(step)
        room -= size if shown else 0
        if room < 0:
            break
        shown.append(message)
    shown.reverse()
    return ShownPath(shown, max(depth, len(path)) - len(shown))


def _encode(step: PathStep) -> pb.PathStep:
    role, of_role = cut.text(step.role, ROLE_BYTES)
    name, of_name = cut.text(step.name, NAME_BYTES)
    return pb.PathStep(role=role, name=name, nth=step.nth, left_out=of_role + of_name)
