"""The servicer of CaptureService."""
