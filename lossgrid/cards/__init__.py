"""Model cards: what the policy of each cell is, how it was trained, what was measured of it, and how to load it."""
