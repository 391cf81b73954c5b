"""What every System//Zero service stands on."""
