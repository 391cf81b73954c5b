"""A gRPC service as a process: server, interceptors, calls to others, workers."""
