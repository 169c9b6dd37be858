"""Tiny tokenizers with the special tokens and chat templates of the models that they stand for."""

from collections.abc import Iterable
from dataclasses import dataclass

from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

VOCABULARY = 512


@dataclass(frozen=True)
class TokenizerShape:
    """What tells one family's tokenizer from another's.

    Attributes:
        special: The names that transformers gives to special tokens, with their texts.
        added: Further special tokens.
        template: The chat template; None where the model has none.
        adds_beginning: Whether plain text is begun with the token that begins a sequence.
    """

    special: dict[str, str]
    added: tuple[str, ...] = ()
    template: str | None = None
    adds_beginning: bool = False


# No system role, strict turns, no padding token, and a template that begins the sequence itself.
MISTRAL = TokenizerShape(
    special={"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    added=("[INST]", "[/INST]"),
    template=(
        "{{ bos_token }}{% for message in messages %}"
        "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('roles must alternate: user, assistant') }}{% endif %}"
        "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
        "{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}"
    ),
    adds_beginning=True,
)
# Turns that end with a token of their own and a line break; the end token is another one.
CHATML = TokenizerShape(
    special={"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>"},
    added=("<|im_start|>", "<|im_end|>"),
    template=(
        "{{ bos_token }}{% for message in messages %}"
        "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    ),
    adds_beginning=True,
)
# Gemma's own: no system role, the assistant is called model.
GEMMA = TokenizerShape(
    special={"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>"},
    added=("<start_of_turn>", "<end_of_turn>"),
    template=(
        "{{ bos_token }}{% for message in messages %}"
        "{% if message['role'] == 'system' %}{{ raise_exception('system role not supported') }}{% endif %}"
        "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n' }}"
        "{{ message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
    ),
    adds_beginning=True,
)
# One token for all purposes, and no template.
GPT2 = TokenizerShape(
    special={
        "bos_token": "<|endoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
    }
)
ROBERTA = TokenizerShape(
    special={
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "mask_token": "<mask>",
    },
    adds_beginning=True,
)


def build_tokenizer(shape: TokenizerShape, texts: Iterable[str], longest: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer that can write every text.

    Args:
        shape: Its special tokens and template.
        texts: What its merges are learned from; the same texts give the same tokenizer.
        longest: Longest sequence of its model, in tokens.
    """
    core = Tokenizer(BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = list(dict.fromkeys([*shape.special.values(), *shape.added]))
    trainer = BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    core.train_from_iterator(texts, trainer)
    if shape.adds_beginning:
        beginning = shape.special["bos_token"]
        core.post_processor = TemplateProcessing(
            single=f"{beginning} $A", special_tokens=[(beginning, core.token_to_id(beginning))]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        **shape.special,
        additional_special_tokens=list(shape.added),
        model_max_length=longest,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = shape.template
    return tokenizer
