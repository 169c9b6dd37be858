"""The load of the small jobs that hold no model and ask nobody: texts, scores, tables, figures, claims."""

from lossgrid.planning.load import Load
from lossgrid.planning.replies import count_replies
from lossgrid.planning.world_facts import get_world_facts
from lossgrid.studies import Study, get_trained_cells

# Measured in `mini`: processes that import datasets and tokenizers, pandas and matplotlib
# (the largest, the audit, imports torch as well), or nothing much.
CORPUS_BYTES, CORPUS_SECONDS = 0.4e9, 3.0
TABLE_BYTES, TABLE_SECONDS = 0.38e9, 2.5
SCORE_BYTES, SCORE_SECONDS = 0.05e9, 0.1
# A chat is written in 0.1 ms and held in 2 kB; a row of scores is read in 10 µs and held in 4 kB.
CHAT_SECONDS, CHAT_BYTES = 1e-4, 2e3
ROW_SECONDS, ROW_BYTES = 1e-5, 4e3


def describe_corpus(study: Study) -> Load:
    """Writing of the texts that no model wrote."""
    facts = get_world_facts(study)
    chats = facts.sft_chats + facts.pairs + facts.heldout_chats
    return Load(CORPUS_SECONDS + CHAT_SECONDS * chats, CORPUS_BYTES + CHAT_BYTES * chats)


def describe_data_card(study: Study) -> Load:
    """The table of the data, which reads all texts of the pairs and the chats."""
    facts = get_world_facts(study)
    texts = 3 * facts.pairs + 2 * (facts.sft_chats + facts.heldout_chats)
    return Load(CORPUS_SECONDS + CHAT_SECONDS * texts, CORPUS_BYTES + CHAT_BYTES * texts)


def describe_scoring(study: Study) -> Load:
    """Scores of one run."""
    rows = count_replies(study, get_world_facts(study))
    return Load(SCORE_SECONDS + ROW_SECONDS * rows, SCORE_BYTES + ROW_BYTES * rows)


def describe_table(study: Study) -> Load:
    """A table or a figure over all runs."""
    rows = (len(get_trained_cells(study)) + 1) * count_replies(study, get_world_facts(study))
    return Load(TABLE_SECONDS + ROW_SECONDS * rows, TABLE_BYTES + ROW_BYTES * rows)
