"""The methods of a service that reads a `LogStore`: LogService, and the gateway's AuditService.

Their messages are alike, field by field; each service has its own, by the contract's style.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from systemzero.log.v1 import log_service_pb2 as pb
from systemzero_base.ids import PageTokens
from systemzero_base.pages import page_of
from systemzero_core.errors import InvalidInput
from systemzero_core.tlog import Entry, leaf_of, parse_checkpoint, parse_time
from systemzero_evidence.handlers.exports import chunks, csv_lines, html_lines
from systemzero_evidence.log import LogStore
from systemzero_wire import fields


class LogHandlers:
    """See the contract for what each method does."""

    def __init__(
        self,
        log: LogStore,
        tokens: PageTokens,
        tenant: Callable[[], str],
        messages: Any,
        title: str,
    ) -> None:
        """`tenant` is the caller's; `messages` the module of the responses; `title` of exports."""
        self._log = log
        self._tokens = tokens
        self._tenant = tenant
        self._messages = messages
        self._title = title

    async def ListEntries(self, request: Any, context: Any) -> Any:
        tenant = self._tenant()
        size = fields.page_size(request.page_size)
        scope = f"{self._title} entries\n{tenant}"
        position = self._tokens.open(scope, request.page_token)
        start = int(position[0]) if position else _index(request.start, "start")

        async def following(last: Entry | None, count: int) -> Sequence[Entry]:
            return await self._log.list_entries(tenant, last.index + 1 if last else start, count)

        page, more = await page_of(following, size, _weight)
        return self._messages.ListEntriesResponse(
            entries=map(_encode, page),
            next_page_token=self._tokens.seal(scope, page[-1].index + 1) if more else "",
        )

    async def GetCheckpoint(self, request: Any, context: Any) -> Any:
        tenant = self._tenant()
        newest = await self._log.newest_checkpoint(tenant)
        answer = self._messages.GetCheckpointResponse(
            note=newest.note,
            verifier_key=self._log.vkeys(tenant)[0],
            cosigned_notes=await self._log.cosigned_checkpoints(tenant),
            key_rotations=self._log.rotations,
        )
        answer.create_time.FromDatetime(newest.create_time)
        return answer

    async def GetInclusionProof(self, request: Any, context: Any) -> Any:
        tenant = self._tenant()
        index = _index(request.index, "index")
        note, size = await self._checkpoint(tenant, request.tree_size, "tree_size")
        proof = await self._log.inclusion_proof(tenant, index, size)
        return self._messages.GetInclusionProofResponse(
            index=index, tree_size=size, hashes=proof.hashes, checkpoint=note
        )

    async def GetConsistencyProof(self, request: Any, context: Any) -> Any:
        tenant = self._tenant()
        if request.from_size < 1:
            raise InvalidInput.at("from_size", "at least 1")
        note, size = await self._checkpoint(tenant, request.to_size, "to_size")
        proof = await self._log.consistency_proof(tenant, request.from_size, size)
        return self._messages.GetConsistencyProofResponse(
            from_size=request.from_size, to_size=size, hashes=proof.hashes, checkpoint=note
        )

    async def ExportEntries(self, request: Any, context: Any) -> AsyncIterator[Any]:
        tenant = self._tenant()
        start = _index(request.start_index, "start_index")
        if start > await self._log.size(tenant):
            raise InvalidInput.at("start_index", "beyond the end of the log")
        if request.format == pb.EXPORT_FORMAT_CSV:
            lines = csv_lines(self._log, tenant, start)
        elif request.format == pb.EXPORT_FORMAT_HTML:
            lines = html_lines(self._log, tenant, start, self._title)
        elif request.format in (pb.EXPORT_FORMAT_UNSPECIFIED, pb.EXPORT_FORMAT_JSON_LINES):
            lines = self._log.export(tenant, start)
        else:
            raise InvalidInput.at("format", f"{request.format} is no format")
        async for chunk in chunks(lines):
            yield self._messages.ExportEntriesResponse(chunk=chunk)

    async def GetProofBundle(self, request: Any, context: Any) -> Any:
        tenant = self._tenant()
        index, since = _index(request.index, "index"), _index(request.pinned_size, "pinned_size")
        bundle = await self._log.proof_bundle(tenant, index, since=since or None)
        return self._messages.GetProofBundleResponse(bundle=bundle)

    async def _checkpoint(self, tenant: str, size: int, field: str) -> tuple[str, int]:
        """The newest checkpoint, and the size that is asked for: its own for 0."""
        note = await self._log.checkpoint(tenant)
        return note, _index(size, field) or parse_checkpoint(note).size


def _weight(entry: Entry) -> int:
    return len(entry.body or b"")


def _index(value: int, field: str) -> int:
    if value < 0:
        raise InvalidInput.at(field, "must not be negative")
    return value


def _encode(entry: Entry) -> pb.Entry:
    time = Timestamp()
    time.FromDatetime(parse_time(entry.create_time))
    return pb.Entry(
        index=entry.index,
        kind=entry.kind,
        create_time=time,
        leaf=leaf_of(entry.kind, entry.create_time, entry.digest),
        salt=entry.salt or b"",
        body=entry.body or b"",
    )
