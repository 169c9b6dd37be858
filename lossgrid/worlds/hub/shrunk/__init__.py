"""Stand-ins for the repositories of the full studies: tiny models with random weights, and data of the same schema.

They let every study run to its report where there is no network and no GPU, by the same rules, scripts and loaders.
The models have the families, special tokens and chat templates of those they stand for; the texts are those of the
reviews world, so that its oracle can judge them. What a random model of a few thousand weights answers is noise: a
shrunk study shows that everything runs, and nothing about losses.
"""
