"""What the metrics of this process say."""

from __future__ import annotations

from prometheus_client import REGISTRY


def sample(name: str, **labels: str) -> float:
    """The value of a sample now; 0 where there is none yet."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
