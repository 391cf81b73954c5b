"""What operators see, made from code: the dashboards, and the list of all metrics."""
