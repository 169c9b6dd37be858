"""Tests of lossgrid.objectives."""
