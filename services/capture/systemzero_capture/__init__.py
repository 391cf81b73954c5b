"""Capture service."""
