"""What a quiet tenant notices of a loud one, and what the loud one makes of the machine."""
