"""Calls to other services: channels that find those that serve."""
