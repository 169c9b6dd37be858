"""What a score file says of how far a response is from the reference, in every world alike."""

from collections.abc import Mapping
from typing import Any

# Written by `generate_responses` where the study asks for `reference_kl`.
REFERENCE_KL = ("kl_reference", "kl_reference_tokens")


def describe_divergence(response: Mapping[str, Any]) -> dict[str, Any]:
    r"""The divergences of one response.

    The KL divergence is estimated by the log-ratio, :math:`\log\pi(y|x) - \log\pi_{ref}(y|x)` summed over the
    response's tokens, whose mean over responses drawn from the policy is :math:`KL(\pi\,\|\,\pi_{ref})` without
    bias; a single response's value can be negative.

    Args:
        response: A line of the held-out responses.

    Returns:
        `kl` (nats), `tokens`, `finished` and, where they were measured, `kl_reference` (nats, KL(reference ‖ policy)
        of the next token summed over positions of prompt and response) and `kl_reference_tokens`, those positions.
    """
    return {
        "kl": response["policy_logp"] - response["reference_logp"],
        "tokens": response["tokens"],
        "finished": response["finished"],
        **{key: response[key] for key in REFERENCE_KL if key in response},
    }
