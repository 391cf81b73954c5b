"""The way of a call through the gateway and back."""
