"""The noise figure in the service: counted when learning, kept with the version."""

from __future__ import annotations

from systemzero.diff.v1 import template_pb2
from systemzero.diff.v1 import template_service_pb2 as pb
from systemzero_core.tree import Tree
from tests.support.checks import check, learn
from tests.support.services import House
from tests.support.trees import item, tree


def page(clock: str) -> Tree:
    """A page with a time that one capture does not tell from what somebody wrote."""
    return tree(
        item("heading", "Orders", attributes=(("level", "1"),)),
        item("text", f"Next slot {clock}"),
        item("button", "Pay"),
    )


async def learn_at(house: House, *clocks: str) -> template_pb2.Template:
    return await learn(house, "orders", *map(page, clocks))


async def test_the_noise_figure_stands_with_the_version(house: House) -> None:
    templates = house.templates()
    assert not (await learn_at(house, "10:05")).HasField("noise")
    # the template's baseline is a good capture too
    learnt = await learn_at(house, "10:06")
    assert learnt.noise == template_pb2.NoiseFigure(
        held_out=2,
        alarms=0,
        events=2,
        alarms_per_thousand=0,
        alarms_per_thousand_at_most=776.4,
        events_per_thousand=1_000,
        version=2,
    )
    got = await templates.GetTemplate(pb.GetTemplateRequest(template_id="orders"))
    listed = await templates.ListTemplates(pb.ListTemplatesRequest())
    assert got.template.noise == listed.templates[0].noise == learnt.noise
    settled = await learn_at(house, "10:07")
    assert (settled.noise.events, settled.noise.version) == (0, 3)
    assert (await check(house, page("10:08"), "orders")).similarity == 1


async def test_updates_and_yaml_carry_the_figure_on(house: House) -> None:
    templates = house.templates()
    learnt = await learn_at(house, "10:05", "10:06")
    change = pb.UpdateTemplateRequest(template=learnt)
    change.template.metadata["owner"] = "shop"
    change.update_mask.paths.append("metadata")
    updated = (await templates.UpdateTemplate(change)).template
    assert (updated.version, updated.noise) == (2, learnt.noise)
    export = await templates.ExportTemplate(pb.ExportTemplateRequest(template_id="orders"))
    assert b"noise" not in export.yaml
    answer = await templates.ImportTemplate(pb.ImportTemplateRequest(yaml=export.yaml))
    assert (answer.template.version, answer.template.noise) == (3, learnt.noise)
