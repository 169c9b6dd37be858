"""How far a study has come and what failed, read from its files alone. Imports no torch."""
