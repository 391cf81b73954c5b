"""A gRPC server: its loops, handlers, health, reflection and TLS."""
