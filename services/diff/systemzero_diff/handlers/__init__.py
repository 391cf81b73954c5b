"""The servicers, one for each gRPC service. Each decodes the request, calls the domain, encodes."""

from systemzero_diff.handlers.diff import DiffServicer
from systemzero_diff.handlers.drift import DriftServicer
from systemzero_diff.handlers.judgement import JudgementServicer
from systemzero_diff.handlers.log import LogServicer
from systemzero_diff.handlers.registering import register
from systemzero_diff.handlers.template import TemplateServicer

__all__ = [
    "DiffServicer",
    "DriftServicer",
    "JudgementServicer",
    "LogServicer",
    "TemplateServicer",
    "register",
]
