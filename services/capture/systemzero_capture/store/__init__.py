"""The capture service's store."""

from systemzero_capture.store.marks import Marks
from systemzero_capture.store.protocol import CaptureStore
from systemzero_capture.store.sql import SqlCaptureStore
from systemzero_capture.store.tables import METADATA, SCHEMA, SCHEMA_VERSION

__all__ = ["METADATA", "SCHEMA", "SCHEMA_VERSION", "CaptureStore", "Marks", "SqlCaptureStore"]
