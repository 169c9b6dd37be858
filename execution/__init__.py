"""What the main process of Snakemake does beside the DAG: it places jobs, watches them, and guards its own start.

This package knows Snakemake and Slurm, as the library does not. Jobs, which parse the Snakefile too, are only given
their place.
"""
