"""Template sets over a store, within a budget of memory, and screens that fill it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from systemzero_core.signature import sign
from systemzero_core.template import Template, signed
from systemzero_core.tree import Node, Tree
from systemzero_diff.config import MatchSettings
from systemzero_diff.store import SqlDiffStore, Transaction
from systemzero_diff.templates.sets import TemplateSets
from systemzero_diff.work.baselines import Baseline
from tests.support.stores import NOW


def screen(number: int, nodes: int = 300) -> Template:
    """A template of a screen whose every text is a word of its own, unlike other screens'."""
    names = [f"{chr(0x4E00 + number)}{chr(0x5000 + n)} {n}" for n in range(nodes)]
    tree = Tree([Node("form"), *(Node("button", name=n) for n in names)], [-1] + [0] * nodes)
    return signed(Template(template_id=f"t{number}", screen_id=f"s{number}", tree=tree))


class World:
    """Template sets over a store, and what reads it."""

    def __init__(self, store: SqlDiffStore, most_bytes: int) -> None:
        self.store = store
        self.now = 0.0
        self.reads = 0
        self.sets = TemplateSets(
            self, ThreadPoolExecutor(1), lambda: self.now, MatchSettings().of, 1_000, most_bytes
        )
        self.look_up, self.write = store.look_up, store.write
        self.write_anyhow = store.write_anyhow

    async def read(self, tenant: str, job: Any) -> Any:
        """As the store does."""
        self.reads += 1
        return await self.store.read(tenant, job)

    async def put(self, tenant: str, *templates: Template, deleted: bool = False) -> None:
        """Store versions, or take templates out."""

        def job(transaction: Transaction) -> None:
            for template in templates:
                transaction.put_template(template, NOW, "e", deleted=deleted)

        await self.store.write(tenant, job)
        self.sets.stale(tenant)

    async def judged(self, tenant: str, template: Template) -> Baseline | None:
        """The baseline that the tree of `template` is compared with."""
        found = await self.sets.of(tenant)
        tree = template.tree
        assert tree is not None
        full = sign(tree).full
        return found.matched(lambda: found.identify(tree, full, template.screen_id))[1]
