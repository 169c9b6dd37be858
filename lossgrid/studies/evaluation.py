"""How a study's policies answer what is scored."""

from typing import Literal

from pydantic import model_validator

from lossgrid.studies.base import Seed, StrictModel, describe_field, fail


class Evaluation(StrictModel):
    """How replies to the held-out chats are drawn."""

    max_new_tokens: int = describe_field(
        "Longest reply, also in the preference pairs.", "tokens", ge=1, default=48
    )
    temperature: float = describe_field("Sampling temperature.", gt=0, default=1.0)
    batch_size: int = describe_field(
        "Prompts answered together, also for the preference pairs; part of the result, because padding "
        "changes the rounding.",
        "prompts",
        ge=1,
        default=128,
    )
    seed: Seed = describe_field("Seed of the sampling.", default=1)
    engine: Literal["transformers", "server"] = describe_field(
        "What answers: the model in the job itself, or a server that the job starts with `command`.",
        default="transformers",
    )
    command: str | None = describe_field(
        "Command that serves a policy through an OpenAI-compatible API, `{model}` replaced by its folder and "
        "`{port}` by a free port, such as `vllm serve {model} --host 127.0.0.1 --port {port}`; for engine: server.",
        default=None,
    )

    reference_kl: bool = describe_field(
        "Also measure the divergence of DiscoPOP's released code, KL(reference ‖ policy) of the next token, at every "
        "position of prompt and reply; holds policy and reference at once.",
        default=False,
    )

    @model_validator(mode="after")
    def check_engine(self) -> "Evaluation":
        """A server has a command with a place for its port and its model, and no other engine has one."""
        if (self.engine == "server") != (self.command is not None):
            key = "command" if self.command is not None else "engine"
            fail("engine: server and command belong together; write both or neither", at=(key,))
        missing = [name for name in ("{model}", "{port}") if self.command and name not in self.command]
        if missing:
            fail(f"must hold {' and '.join(missing)}, which the job fills in", at=("command",))
        return self
