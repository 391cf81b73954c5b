"""How much callers may use: rates, in memory or shared, and calls in flight."""

from systemzero_gateway.limits.callers import CallerLimits
from systemzero_gateway.limits.gcra import Bucket, Decision, Rate, decide
from systemzero_gateway.limits.held import HeldBytes
from systemzero_gateway.limits.inflight import InFlight
from systemzero_gateway.limits.listening import ListenPermits
from systemzero_gateway.limits.memory import MemoryLimits
from systemzero_gateway.limits.opening import local_limits, open_limits, password_of
from systemzero_gateway.limits.protocol import LimitStore, LocalLimits
from systemzero_gateway.limits.reading import ReadPermits, only_message
from systemzero_gateway.limits.settings import LimitSettings
from systemzero_gateway.limits.throttle import Throttle

__all__ = [
    "Bucket",
    "CallerLimits",
    "Decision",
    "HeldBytes",
    "InFlight",
    "LimitSettings",
    "LimitStore",
    "ListenPermits",
    "LocalLimits",
    "MemoryLimits",
    "Rate",
    "ReadPermits",
    "Throttle",
    "decide",
    "local_limits",
    "only_message",
    "open_limits",
    "password_of",
]
