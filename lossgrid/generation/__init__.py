"""Responses of a policy to prompt sets."""
