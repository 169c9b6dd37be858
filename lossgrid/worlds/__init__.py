"""Worlds: where prompts, responses and rewards come from."""
