"""Asking a server: requests, the ledger of what was answered, retries, prices, batches."""
