"""Diff service."""
