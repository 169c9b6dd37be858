"""Training losses as pure functions, and a catalogue of them as plain data.

The loss modules (`margin`, `modulated`) import torch and nothing else of this package's siblings, so that
they can be used in any training run. The catalogue and its specifications import no torch at all: they are
read wherever a study is parsed.
"""
