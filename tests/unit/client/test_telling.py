"""A verdict's script as lines: made by the client, of what the contract shows of each edit."""

from hypothesis import given

from systemzero.diff.v1 import edit_script_pb2
from systemzero_client.telling import tell_script
from systemzero_core.grouping import tell
from systemzero_core.tree import Tree
from systemzero_diff.codec.edits import Sides, encode_judged
from tests.support.strategies import trees
from tests.support.trees import judged, template


@given(trees(max_nodes=15), trees(max_nodes=15))
def test_a_client_reads_the_lines_that_the_server_would_tell(a: Tree, b: Tree) -> None:
    edits = judged(template(a), b).edits if len(a) else ()
    sent = encode_judged(edits, "", Sides.of(a, b))
    assert tell_script(sent) == tell([each.edit for each in edits])


def test_what_a_newer_or_hostile_server_says_is_told_all_the_same() -> None:
    script = edit_script_pb2.EditScript()
    script.edits.add(kind=99, sentence="it changed")
    for value in ("1,2,3", "a,b,c,d", "1,2,3,4"):
        script.edits.add(kind=3).changes.add(field="bounds", old_value=value, new_value="0,0,9,9")
    lines = tell_script(script).lines
    assert sorted(at for line in lines for at in line.edits) == [0, 1, 2, 3]
