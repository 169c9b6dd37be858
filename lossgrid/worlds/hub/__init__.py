"""The `hub` world: a model and preference data of the Hugging Face Hub, as the study's lock file pins them.

From the outside in: `repositories` (what is fetched, and errors of the hub), `locking` (what `prepare` writes down),
`rows` (splits as rows, checked against the lock), `conversion` (a row as a pair, or why it is none), `rendering` (the
tokenizer with its template, end and padding token), `files` and `prompts` (what the workflow reads), `policy` (the
model as a folder) and `frontier` (reward and KL divergence).
"""
