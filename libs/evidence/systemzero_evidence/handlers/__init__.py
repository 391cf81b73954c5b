"""The log's RPC methods, and its exports as documents."""
