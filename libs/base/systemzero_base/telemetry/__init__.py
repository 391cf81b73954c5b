"""Telemetry of a process: logs, traces, exemplars, the current call."""
