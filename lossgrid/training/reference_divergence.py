"""The divergence of DiscoPOP's released code: KL(reference ‖ policy) of the next token, position by position.

It is another quantity than the log-ratio of a response: taken under the reference and not under the policy, over the
whole vocabulary and not at the sampled token, at the positions of the prompt as well, and a mean over positions.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import kl_div

# Texts and positions whose logits are held at once, of either model: 0.5 GB in float32 with a vocabulary of 256,000.
ROWS, POSITIONS = 8, 64


@torch.no_grad()
def get_reference_divergences(
    policy, reference, end_token_id: int, sequences: Sequence[tuple[list[int], list[int]]]
) -> tuple[Tensor, Tensor]:
    r"""The summed divergence of each text, and over how many positions it is summed.

    .. math:: \sum_{t:\,y_t\neq\mathrm{end}}\ \sum_v \pi_{ref}(v|y_{\le t})
              \big(\log\pi_{ref}(v|y_{\le t})-\log\pi(v|y_{\le t})\big)

    Position t counts with the distribution that the model has *after* token t, as the released code aligns logits and
    mask; a position whose token is the end token is left out, wherever it stands, and so is padding. The models read
    the texts in pieces and keep their attention caches, so that neither has the logits of a whole text at once.

    Args:
        policy: A causal language model; it is put into evaluation mode.
        reference: Another one with the same vocabulary.
        end_token_id: Token whose positions are left out.
        sequences: Pairs of prompt ids and response ids, together at least one token.

    Returns:
        Sums in nats and numbers of positions, each of shape (len(sequences),), float64, on the CPU.

    Raises:
        ValueError: The vocabularies differ in size.

    Reference: Lu et al. 2024, arXiv:2406.08414, and the evaluation code released with it, which divides the sum over
    all texts by the sum of their positions.
    """
    policy.eval()
    reference.eval()
    parts = [
        _get_batch_divergences(policy, reference, end_token_id, sequences[start : start + ROWS])
        for start in range(0, len(sequences), ROWS)
    ]
    if not parts:
        return torch.zeros(0, dtype=torch.float64), torch.zeros(0, dtype=torch.float64)
    sums, counts = zip(*parts, strict=True)
    return torch.cat(sums), torch.cat(counts)


def _get_batch_divergences(policy, reference, end_token_id: int, batch) -> tuple[Tensor, Tensor]:
    texts = [prompt + response for prompt, response in batch]
    length = max(map(len, texts))
    # What fills a text up is masked: any token will do.
    input_ids = torch.full((len(texts), length), end_token_id)
    attention_mask = torch.zeros_like(input_ids)
    for row, text in enumerate(texts):
        input_ids[row, : len(text)] = torch.tensor(text)
        attention_mask[row, : len(text)] = 1
    input_ids, attention_mask = input_ids.to(policy.device), attention_mask.to(policy.device)
    counted = attention_mask.bool() & (input_ids != end_token_id)
    sums = torch.zeros(len(texts), dtype=torch.float64)
    caches = [None, None]
    for start in range(0, length, POSITIONS):
        end = min(start + POSITIONS, length)
        kept = counted[:, start:end]
        logps = []
        for place, model in enumerate((policy, reference)):
            output = model(
                input_ids=input_ids[:, start:end],
                attention_mask=attention_mask[:, :end],
                past_key_values=caches[place],
                use_cache=True,
            )
            caches[place] = output.past_key_values
            logps.append(output.logits[kept].float().log_softmax(-1))
        own, others = logps
        if own.shape != others.shape:
            raise ValueError(
                f"policy and reference have vocabularies of {own.shape[-1]} and {others.shape[-1]} tokens; their "
                "divergence needs the same one"
            )
        divergences = torch.zeros(kept.shape, dtype=torch.float64)
        divergences[kept.cpu()] = (
            kl_div(own, others, reduction="none", log_target=True).sum(-1).double().cpu()
        )
        sums += divergences.sum(1)
    return sums, counted.sum(1).double().cpu()
