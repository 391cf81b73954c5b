"""What operators ask of a process: readiness, metrics, pages."""
