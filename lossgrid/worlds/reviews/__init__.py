"""The `reviews` world: short chats about films in a small language whose true reward is known.

A user asks about one of eight aspects of a film; an assistant replies in one to five clauses. Since the
reward of any reply can be computed exactly, a study of preference losses can say how much *true* reward
a loss gains or loses, which no learned judge can.

Modules, from the words up: `lexicon` (words and valences), `clause` (the grammar of one clause),
`language` (how questions and replies are sampled), `reward` (what a reply is worth), `corpus` (chats and
prompts from a seed), `preferences` (noisy labels), `tokenizer` and `policy` (the only ones that import
transformers or torch).
"""
