"""Servers that a job starts for itself: how they start and stop, the oracle, a policy behind an API."""
