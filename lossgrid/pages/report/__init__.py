"""The report of a study: everything that was measured, on one page."""
