"""Protobuf <-> the capture service's values."""
