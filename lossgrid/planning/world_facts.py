"""What planning has to know of a world: the shape of its model and how much text it holds."""

from dataclasses import dataclass

from lossgrid.planning.model_shape import ModelShape
from lossgrid.studies import Study

# Words of the reviews language and five special tokens; a test counts them.
REVIEWS_VOCABULARY = 156
# Tokens in `mini`, measured: the longest of 32 chats, to which the others are padded; the longest of 32 pairs without
# its reply; a question with its markers, and a reply, on average.
REVIEWS_CHAT = 87
REVIEWS_PROMPT = 39
REVIEWS_QUESTION = 15
REVIEWS_REPLY = 18


@dataclass(frozen=True)
class WorldFacts:
    """A world in numbers.

    Attributes:
        model: Shape of the model that is trained.
        sft_chats: Chats that the SFT model is trained on; 0 for a world that brings one.
        chat_tokens: Tokens of such a chat, padded as in a batch.
        pairs: Preference pairs.
        prompt_tokens: Tokens of the prompt of a pair, padded as in a batch.
        pair_tokens: Tokens of the prompt of a pair with either reply, padded as in a batch.
        question_tokens: Tokens of a question of a chat, on average.
        reply_tokens: Tokens of a reply, on average; its limit is the study's.
        heldout_chats: Chats that every run answers.
        heldout_turns: Turns of such a chat.
        samples_pairs: Whether the pairs are sampled from the SFT model.
        links_model: Whether the SFT model's weights lie in the hub's cache, to which the study links.
    """

    model: ModelShape
    sft_chats: int
    chat_tokens: int
    pairs: int
    prompt_tokens: int
    pair_tokens: int
    question_tokens: int
    reply_tokens: int
    heldout_chats: int
    heldout_turns: int
    samples_pairs: bool
    links_model: bool = False


def get_world_facts(study: Study) -> WorldFacts:
    """The numbers of a study's world.

    Raises:
        KeyError: The world's kind has no entry in `_FACTS`; a new world adds its own.
    """
    return _FACTS[study.world.kind](study)


def _get_reviews_facts(study: Study) -> WorldFacts:
    world, policy = study.world, study.world.policy
    return WorldFacts(
        model=ModelShape(
            layers=policy.layers,
            hidden_size=policy.hidden_size,
            intermediate_size=policy.intermediate_size,
            heads=policy.heads,
            key_value_heads=policy.heads,
            vocabulary=REVIEWS_VOCABULARY,
            tied=True,
        ),
        sft_chats=world.corpus_chats,
        chat_tokens=min(REVIEWS_CHAT, study.sft.max_length),
        pairs=world.pairs,
        prompt_tokens=REVIEWS_PROMPT,
        # Some reply of a batch always comes to the limit.
        pair_tokens=min(REVIEWS_PROMPT + study.evaluation.max_new_tokens, study.training.max_length),
        question_tokens=REVIEWS_QUESTION,
        reply_tokens=min(REVIEWS_REPLY, study.evaluation.max_new_tokens),
        heldout_chats=world.heldout_chats,
        heldout_turns=2,
        samples_pairs=True,
    )


def _get_hub_facts(study: Study) -> WorldFacts:
    world, longest = study.world, study.training.max_length
    assumed, locked = world.assumed, study.lock and study.lock.datasets.get(world.data.name)
    split = locked and locked.splits.get(world.data.train)
    prompt_tokens = min(assumed.prompt_tokens, longest)
    return WorldFacts(
        model=ModelShape(**world.model.shape.model_dump()),
        sft_chats=0,
        chat_tokens=0,
        pairs=split.rows if split else world.data.train_rows or assumed.rows,
        prompt_tokens=prompt_tokens,
        # The longest of a batch counts: twice the average is assumed.
        pair_tokens=min(2 * (assumed.prompt_tokens + assumed.response_tokens), longest),
        question_tokens=prompt_tokens,
        reply_tokens=min(assumed.response_tokens, study.evaluation.max_new_tokens),
        heldout_chats=world.heldout_chats,
        heldout_turns=1,
        samples_pairs=False,
        links_model=True,
    )


_FACTS = {"reviews": _get_reviews_facts, "hub": _get_hub_facts}
