"""A study of two cells without a judge, whose training lasts just long enough to be struck."""

NAME = "tiny_fault"
STUDY = """\
title: Two losses under faults
world:
  kind: reviews
  corpus_chats: 64
  pairs: 320
  heldout_chats: 8
  policy: {layers: 2, hidden_size: 64, heads: 4, intermediate_size: 256}
sft: {learning_rate: 1e-2, epochs: 1, batch_size: 16, max_length: 128}
training: {learning_rate: 1e-3, epochs: 2, batch_size: 16, max_length: 160, checkpoint_steps: 10}
objectives:
  dpo: {beta: 0.1}
  dlrml_learned: {beta_kl: 0.1, beta_mix: 0.02, mix_learning_rate: 0.1}
evaluation: {max_new_tokens: 8, batch_size: 16}
"""
CELLS = (
    "dpo/beta~0.1/seed~1",
    "dlrml_learned/beta_kl~0.1__beta_mix~0.02__tau~0.05__mix_learning_rate~0.1/seed~1",
)
# One of them also answers: jobs that train nothing are struck as well.
TARGETS = (
    f"results/{NAME}/cells/{CELLS[0]}/scores/frontier.jsonl",
    f"results/{NAME}/cells/{CELLS[1]}/health.json",
)
