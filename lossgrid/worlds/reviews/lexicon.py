"""The words of the reviews language and what they mean."""

ASPECT_NOUNS = {
    "acting": ("acting", "cast", "performance", "delivery"),
    "plot": ("plot", "story", "premise", "twist"),
    "music": ("music", "score", "soundtrack", "theme"),
    "visuals": ("camerawork", "lighting", "imagery", "framing"),
    "dialogue": ("dialogue", "banter", "script", "narration"),
    "pacing": ("pacing", "rhythm", "tempo", "editing"),
    "ending": ("ending", "finale", "climax", "conclusion"),
    "costumes": ("wardrobe", "tailoring", "makeup", "styling"),
}
ASPECTS = tuple(ASPECT_NOUNS)
ASPECT_OF_NOUN = {noun: aspect for aspect, nouns in ASPECT_NOUNS.items() for noun in nouns}

# Valence of each adjective in [-1, 1]. Eight strong and eight mild words on each side: every strong one
# reaches ±1 with an intensifier, so that four different clauses can all be the best possible.
ADJECTIVES = {
    "superb": 1.0,
    "brilliant": 1.0,
    "magnificent": 1.0,
    "wonderful": 0.95,
    "stunning": 0.95,
    "masterful": 0.9,
    "gorgeous": 0.9,
    "thrilling": 0.85,
    "charming": 0.6,
    "enjoyable": 0.55,
    "good": 0.5,
    "likeable": 0.45,
    "pleasant": 0.4,
    "solid": 0.4,
    "neat": 0.35,
    "decent": 0.3,
    "uneven": -0.3,
    "stale": -0.35,
    "bland": -0.4,
    "flat": -0.4,
    "forgettable": -0.45,
    "weak": -0.5,
    "dull": -0.55,
    "clumsy": -0.6,
    "painful": -0.85,
    "unbearable": -0.9,
    "horrible": -0.9,
    "terrible": -0.95,
    "lousy": -0.95,
    "awful": -1.0,
    "dreadful": -1.0,
    "atrocious": -1.0,
}

# Factors on the valence; the product is clipped to [-1, 1].
ADVERBS = {
    "utterly": 1.4,
    "truly": 1.3,
    "very": 1.25,
    "really": 1.2,
    "rather": 0.8,
    "fairly": 0.7,
    "somewhat": 0.5,
    "slightly": 0.4,
}
# "not dreadful" is faint praise: the sign flips and less than half of the strength is left.
NEGATION_FACTOR = -0.4

VERBS = ("is", "was", "feels", "felt", "seems", "seemed")
JOINERS = (".", ", and", ", but", ", while", ";")

# Invented titles, so that no reply can be right or wrong about a real film.
FILMS = (
    "aldorane",
    "brentiva",
    "cormelle",
    "dusklane",
    "ebberwyn",
    "farrowmoor",
    "glimvale",
    "harlequay",
    "istrelle",
    "jorvenna",
    "kestrane",
    "lumerick",
    "mirrowen",
    "nordelle",
    "ostermere",
    "pellwick",
)

OPENERS = ("", "hello . ", "hi there . ", "one question . ", "please help me . ", "i am curious . ")
FIRST_QUESTIONS = (
    "what do you think of the {aspect} in {film} ?",
    "tell me about the {aspect} in {film} .",
    "did you like the {aspect} of {film} ?",
    "how would you describe the {aspect} in {film} ?",
    "what is your view on the {aspect} of {film} ?",
    "i just saw {film} . what about the {aspect} ?",
    "give me your opinion on the {aspect} in {film} .",
    "should i see {film} for the {aspect} ?",
    "my friend praised the {aspect} of {film} . do you agree ?",
    "is {film} worth my time for the {aspect} ?",
)
SECOND_QUESTIONS = (
    "and what about the {aspect} ?",
    "now tell me about the {aspect} .",
    "i see . did you like the {aspect} too ?",
    "thank you . how would you describe the {aspect} ?",
    "what do you think of the {aspect} ?",
    "go on . what of the {aspect} ?",
    "give me your opinion on the {aspect} as well .",
    "and your view on the {aspect} , please ?",
)


def vocabulary() -> list[str]:
    """Every word of the language, punctuation included, sorted and without repeats."""
    templates = [*OPENERS, *FIRST_QUESTIONS, *SECOND_QUESTIONS, *JOINERS]
    words = {word for text in templates for word in text.split() if not word.startswith("{")}
    words.update(ASPECTS, ASPECT_OF_NOUN, ADJECTIVES, ADVERBS, VERBS, FILMS, ("the", "not", "."))
    return sorted(words)
