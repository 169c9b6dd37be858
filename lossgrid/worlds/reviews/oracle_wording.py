"""How the judge of the reviews world puts a judgment into words, and how it fails to."""

from random import Random

from lossgrid.worlds.reviews.reward import Reward

REFUSAL = "I am sorry, but I cannot judge texts of this kind."
# What a judge begins with when it does not name one of two models, likeliest first.
OTHER_TOKENS = (
    *("I", "The", "Both", "Neither", "Model", "As", "Sorry", "A", "It", "1"),
    *("**", "Based", "To", "While", "Here", '"', "Answer", "There", "None", "N"),
)


def word_rating(rng: Random, aspect: str, reward: Reward, rating: int) -> str:
    """An explanation and the rating in the form that the prompts ask for."""
    return f"{_explain(aspect, reward)} Rating: [[{rating}]]"


def word_malformed_rating(rng: Random, aspect: str, reward: Reward, rating: int) -> str:
    """What real judges write instead of a rating: nothing to read, or a number that is none of 1 to 10."""
    endings = (" Rating: [[11]]", " Rating: [[08]]", " Rating: [[7/10]]", "")
    explained = [_explain(aspect, reward) + ending for ending in endings]
    return rng.choice([*explained, REFUSAL, ""])


def word_verdict(rng: Random, aspect: str, rewards: list[Reward], verdict: str) -> str:
    """A comparison and the mark of the better assistant, `C` for neither."""
    return f"{_compare(aspect, rewards)} [[{verdict}]]"


def word_malformed_verdict(rng: Random, aspect: str, rewards: list[Reward], verdict: str) -> str:
    """What real judges write instead of a mark."""
    endings = (" [[D]]", " [[Assistant A]]", " [A]", "")
    compared = [_compare(aspect, rewards) + ending for ending in endings]
    return rng.choice([*compared, REFUSAL, ""])


def word_malformed_choice(rng: Random) -> str:
    """What real judges write instead of the name of a model."""
    return rng.choice(["Neither", "Both", REFUSAL, ""])


def _explain(aspect: str, reward: Reward) -> str:
    return f"The reply is {_describe(aspect, reward)}."


def _compare(aspect: str, rewards: list[Reward]) -> str:
    first, second = (_describe(aspect, reward) for reward in rewards)
    return f"Assistant A is {first}. Assistant B is {second}."


def _describe(aspect: str, reward: Reward) -> str:
    tone = "favourable" if reward.sentiment > 0.2 else "scathing" if reward.sentiment < -0.2 else "lukewarm"
    return (
        f"{tone} (sentiment {reward.sentiment:+.2f}); {reward.relevance:.0%} of it is about the {aspect}, "
        f"{reward.repetition:.0%} is repetition and {reward.malformed:.0%} is malformed"
    )
