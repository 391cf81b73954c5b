"""System//Zero's Python SDK and command line."""
