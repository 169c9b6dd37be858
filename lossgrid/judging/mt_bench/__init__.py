"""MT-Bench on FastChat's own code: its files, the requests, the verdicts, judgments stored by others."""
