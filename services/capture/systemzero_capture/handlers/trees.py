"""TreeService: trees of stored captures, for the diff service."""

from __future__ import annotations

from typing import Any

from systemzero.capture.v1 import tree_service_pb2 as pb
from systemzero.capture.v1 import tree_service_pb2_grpc
from systemzero_base.internal.identity import current_principal
from systemzero_capture.codec.trees import encode_tree
from systemzero_capture.store import CaptureStore
from systemzero_core.errors import InvalidInput

_MOST_TREES = 100


class TreeServicer(tree_service_pb2_grpc.TreeServiceServicer):
    """See the contract for what each method does."""

    def __init__(self, store: CaptureStore) -> None:
        self._store = store

    async def GetTrees(self, request: pb.GetTreesRequest, context: Any) -> pb.GetTreesResponse:
        tenant, ids = current_principal().tenant, request.capture_ids
        if not 1 <= len(ids) <= _MOST_TREES:
            raise InvalidInput.at("capture_ids", f"1 to {_MOST_TREES} are needed")
        if request.hold:  # before they are read: what is read may be collected meanwhile
            await self._store.hold(tenant, ids)
        found = await self._store.trees(tenant, ids)
        return pb.GetTreesResponse(trees=[encode_tree(*each) for each in found])
