"""What a paper takes from a study beside its figures: captions, and the numbers that its text quotes."""
