"""Templates: ready for matching, and learnt."""
