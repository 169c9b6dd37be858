"""Reproducible studies of language-model training losses."""

__version__ = "0.1.0"
