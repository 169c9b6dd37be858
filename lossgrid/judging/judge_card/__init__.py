"""The judge card: a judge asked what another one was asked before, whose judgments are stored in files."""
