"""What a study was trained and asked on: counts, lengths, duplicates, overlaps, and what the reference prefers."""
