"""A word-level tokenizer and chat template for the reviews language, built without any download."""

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

from lossgrid.worlds.reviews.language import vocabulary

PAD, UNKNOWN, USER, ASSISTANT, END = "<pad>", "<unk>", "<|user|>", "<|assistant|>", "<|end|>"

# The spaces lie outside the generation block: its first and last characters must belong to tokens, or the
# mask of the assistant's tokens loses its ends.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if not loop.first %}{{ ' ' }}{% endif %}"
    "{% if message['role'] == 'user' %}"
    "{{ '<|user|> ' + message['content'] + ' <|end|>' }}"
    "{% elif message['role'] == 'assistant' %}"
    "{{ '<|assistant|> ' }}{% generation %}{{ (message['content'] + ' <|end|>') | trim }}{% endgeneration %}"
    "{% else %}"
    "{{ raise_exception('role ' + message['role'] + ': the reviews chats have user and assistant only') }}"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ ' <|assistant|>' }}{% endif %}"
)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer of the reviews world: one token per word, nothing added at the beginning.

    Returns:
        A tokenizer with `<pad>` for padding, `<|end|>` as end of sequence and the chat template
        ``<|user|> text <|end|> <|assistant|> text <|end|>``; the assistant's text and its `<|end|>` are
        marked as generated.
    """
    tokens = [PAD, UNKNOWN, USER, ASSISTANT, END, *vocabulary()]
    words = Tokenizer(WordLevel({token: index for index, token in enumerate(tokens)}, unk_token=UNKNOWN))
    words.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token=PAD,
        unk_token=UNKNOWN,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        # Otherwise decoding would write "superb." for "superb ." and the reward would not parse it.
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
