"""Rolling restarts of every service under load: what a deployment does, and nobody may notice."""
