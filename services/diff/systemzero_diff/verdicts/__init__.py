"""A capture's verdict: matched, judged, recorded, counted."""
