"""Adds the servicers to the registry that serves them."""

from __future__ import annotations

from systemzero.diff.v1 import diff_service_pb2_grpc as diff
from systemzero.diff.v1 import drift_service_pb2_grpc as drift
from systemzero.diff.v1 import judgement_service_pb2_grpc as judgement
from systemzero.diff.v1 import template_service_pb2_grpc as template
from systemzero.log.v1 import log_service_pb2_grpc as log
from systemzero.usage.v1 import usage_service_pb2_grpc as usage
from systemzero_diff.handlers.diff import DiffServicer
from systemzero_diff.handlers.drift import DriftServicer
from systemzero_diff.handlers.judgement import JudgementServicer
from systemzero_diff.handlers.log import LogServicer
from systemzero_diff.handlers.template import TemplateServicer
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_storage.usage.servicer import UsageServicer


def register(
    registry: HandlerRegistry,
    diffs: DiffServicer,
    judgements: JudgementServicer,
    templates: TemplateServicer,
    drifts: DriftServicer,
    logs: LogServicer,
    usages: UsageServicer,
) -> None:
    """Have the registry serve all of them."""
    registry.add(diff.add_DiffServiceServicer_to_server, diffs, unread=True)
    registry.add(judgement.add_JudgementServiceServicer_to_server, judgements)
    registry.add(template.add_TemplateServiceServicer_to_server, templates, unread=True)
    registry.add(drift.add_DriftServiceServicer_to_server, drifts)
    registry.add(log.add_LogServiceServicer_to_server, logs)
    registry.add(usage.add_UsageServiceServicer_to_server, usages)
