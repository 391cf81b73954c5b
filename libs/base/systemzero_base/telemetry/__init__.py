"""What a process tells of itself: logs, traces, exemplars, the call that is served."""
