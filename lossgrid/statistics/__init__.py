"""Estimates with their uncertainty, and the tables made of them."""
