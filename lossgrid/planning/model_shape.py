"""The size of a language model from its shape, in closed form: parameters, floating-point operations, cache."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelShape:
    """A decoder of the Llama family (RMS norms, rotary positions, gated feed-forward layers, no biases).

    Attributes:
        layers: Transformer blocks.
        hidden_size: Width of the residual stream.
        intermediate_size: Width of the feed-forward layers.
        heads: Attention heads.
        key_value_heads: Heads for keys and values; fewer than `heads` with grouped queries.
        vocabulary: Tokens.
        tied: Whether the table of embeddings is also the output layer.
        head_size: Width of a head; None is hidden_size / heads.
    """

    layers: int
    hidden_size: int
    intermediate_size: int
    heads: int
    key_value_heads: int
    vocabulary: int
    tied: bool
    head_size: int | None = None

    @property
    def query_width(self) -> int:
        """Width of the queries, and of what attention gives, of a token in one layer."""
        return (self.head_size or self.hidden_size // self.heads) * self.heads

    @property
    def key_value_width(self) -> int:
        """Width of the keys, and of the values, of a token in one layer."""
        return self.query_width // self.heads * self.key_value_heads

    def count_parameters(self) -> int:
        """Number of weights.

        A layer has h·q weights for queries (q their width) and as many for the output, h·w for keys and values each,
        three matrices h·i and two norms of h; the whole has a last norm and one table or two of V·h. Mistral-7B with
        32 layers, h = q = 4096, i = 14336, w = 1024 and V = 32000 has 32·(2·4096² + 2·4096·1024 + 3·4096·14336 +
        2·4096) + 4096 + 2·32000·4096 = 7,241,732,096.
        """
        h = self.hidden_size
        layer = (
            2 * h * self.query_width + 2 * h * self.key_value_width + 3 * h * self.intermediate_size + 2 * h
        )
        return self.layers * layer + h + self.vocabulary * h * (1 if self.tied else 2)

    def count_forward_flops(self, tokens: float) -> float:
        """Floating-point operations of a forward pass for one token of a sequence of so many tokens.

        Two for every weight that a token meets (the table of embeddings is looked up, the output layer multiplied),
        and 4·layers·tokens·q for attention, not halved for causality: Kaplan et al. 2020, arXiv:2001.08361, Table 1,
        and Narayanan et al. 2021, arXiv:2104.04473, appendix. A backward pass takes twice as many.
        """
        looked_up = 0 if self.tied else self.vocabulary * self.hidden_size
        return 2 * (self.count_parameters() - looked_up) + 4 * self.layers * tokens * self.query_width

    def get_cache_bytes(self, number_bytes: int) -> int:
        """Bytes of the keys and values of one token, for numbers of so many bytes."""
        return 2 * self.layers * self.key_value_width * number_bytes
