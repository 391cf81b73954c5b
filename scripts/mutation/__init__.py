"""Mutation testing of the engine; see `__main__`."""
