"""Log-probabilities of responses, summed over their tokens."""

from collections.abc import Sequence

import torch
from torch import Tensor


@torch.no_grad()
def get_sequence_logps(
    model, pad_token_id: int, sequences: Sequence[tuple[list[int], list[int]]], batch_size: int
) -> Tensor:
    """The log-probability of each response after its prompt.

    Padding is on the right, so that absolute position embeddings see the positions of training. Only the
    response's positions are raised to float32, because a full float32 table of a large vocabulary does not fit.

    Args:
        model: A causal language model; it is put into evaluation mode.
        pad_token_id: Token that fills a batch up; its value does not enter the result.
        sequences: Pairs of prompt ids and response ids, each with at least one token. The response's end token
            counts where the ids hold it.
        batch_size: Sequences in one forward pass. Part of the result's last bits.

    Returns:
        Shape (len(sequences),), nats, float32, on the CPU.
    """
    model.eval()
    parts = [
        _get_batch_logps(model, pad_token_id, sequences[start : start + batch_size])
        for start in range(0, len(sequences), batch_size)
    ]
    return torch.cat(parts) if parts else torch.zeros(0)


def _get_batch_logps(model, pad_token_id: int, batch: Sequence[tuple[list[int], list[int]]]) -> Tensor:
    length = max(len(prompt) + len(response) for prompt, response in batch)
    input_ids = torch.full((len(batch), length), pad_token_id, dtype=torch.long)
    attention_mask = torch.zeros_like(input_ids)
    is_response = torch.zeros_like(input_ids, dtype=torch.bool)
    for row, (prompt, response) in enumerate(batch):
        end = len(prompt) + len(response)
        input_ids[row, :end] = torch.tensor(prompt + response)
        attention_mask[row, :end] = 1
        is_response[row, len(prompt) : end] = True
    input_ids, attention_mask, is_response = (
        tensor.to(model.device) for tensor in (input_ids, attention_mask, is_response)
    )

    logits = model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits
    predicts_response = is_response[:, 1:]
    chosen_logits = logits[:, :-1][predicts_response].float()
    targets = input_ids[:, 1:][predicts_response]
    token_logps = chosen_logits.log_softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    table = torch.zeros(predicts_response.shape, device=token_logps.device)
    return table.masked_scatter(predicts_response, token_logps).sum(1).cpu()
