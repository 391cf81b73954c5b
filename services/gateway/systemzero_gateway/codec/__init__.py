"""Protobuf <-> the gateway's values."""
