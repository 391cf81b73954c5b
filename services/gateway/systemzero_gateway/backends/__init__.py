"""The backends: channels, breakers, health, routes."""
