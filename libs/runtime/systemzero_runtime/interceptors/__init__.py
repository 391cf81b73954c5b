"""What stands around every handler: errors, identity, telemetry, drain."""
