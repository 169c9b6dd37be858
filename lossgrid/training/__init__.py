"""Training on TRL: supervised fine-tuning, reference log-probabilities, and preference cells."""
