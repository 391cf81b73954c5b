"""The backends as calls meet them, and how they do."""
