"""A capture's way in: decoded or known, normalised, signed, stored, judged."""
