"""Asking judges: requests, the ledger of what was answered, the client, and what judgments are asked for."""
