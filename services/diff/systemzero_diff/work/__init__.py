"""What the diff service has done in lanes, or at once where it is small: bytes in, bytes out.

Lanes import it: nothing here knows gRPC, the store or metrics.
"""
