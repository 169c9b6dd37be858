"""Figures: one function a figure, drawn from the tables alone."""
