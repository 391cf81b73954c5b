"""An example of an extension of System//Zero: a format of captures, and a detector."""
