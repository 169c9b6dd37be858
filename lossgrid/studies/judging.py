"""How a study's responses are judged: the judge, and the evaluations that ask it."""

import re
from typing import Any, Literal

from pydantic import model_validator

from lossgrid.studies.base import StrictModel, describe_field, fail
from lossgrid.studies.code_identity import get_code_identity

# The strength that upstream's cross-validation chose for most of the models of its leaderboard.
PUBLISHED_C = 2.782559402207126
MT_BENCH_QUESTIONS = 80
# First questions of held-out chats that the reviews world has; each is an instruction.
REVIEWS_INSTRUCTIONS = 960
_OWN_SCRIPT = re.compile(r"(?<!\S)workflow_scripts/\w+\.py(?!\S)")
# Of 64 hexadecimal digits.
_SHOWN_DIGITS = 12


class Prices(StrictModel):
    """What a judge's provider charges."""

    input: float = describe_field("Price of what is sent.", "USD per million tokens", ge=0)
    output: float = describe_field("Price of what is answered.", "USD per million tokens", ge=0)


class Judge(StrictModel):
    """An OpenAI-compatible server that judges responses: one that is there, or one that the judging job starts."""

    model: str = describe_field("Name of the model that the server is asked for.", min_length=1)
    date: str | None = describe_field(
        "When this judge was asked, year-month or year-month-day: hosted models change under one name. It is shown "
        "and asks nothing anew; for that, give server a new name.",
        default=None,
        pattern=r"^\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$",
    )
    command: str | None = describe_field(
        "Command that starts the server, `{port}` replaced by a free port; the job that needs the judge starts and "
        "stops it.",
        default=None,
        min_length=1,
    )
    base_url: str | None = describe_field(
        "Address of a server that is there, with its version, such as https://api.example.org/v1; no user, password, "
        "query or fragment. A slash at its end makes no difference.",
        default=None,
        pattern=r"^https?://.+$",
    )
    server: str | None = describe_field(
        "Name of the server in the ledger; null takes the base_url, or the command with a hash of the script of this "
        "repository that it starts. With a name, an address can change without asking again; with another name, all "
        "is asked anew.",
        default=None,
        min_length=1,
    )
    key_variable: str | None = describe_field(
        "Environment variable that holds the key; null sends none. The key itself stands in no file.",
        default=None,
        # Capitals, as variables have them: most keys that are written here by mistake are not taken for a name.
        pattern=r"^[A-Z_][A-Z0-9_]*$",
    )
    gpus: int = describe_field(
        "GPUs that the command's server needs, for which a cluster is asked.", "GPUs", ge=0, default=0
    )
    memory_gb: float | None = describe_field(
        "Host memory of the command's server, for which a cluster is asked beside the job's own; null takes 32 GB "
        "for each of its GPUs, and nothing where it has none.",
        "GB",
        gt=0,
        default=None,
    )
    gpu_memory_gb: float | None = describe_field(
        "Memory that each GPU of the server must have, to choose among the kinds that a cluster has; null takes the "
        "largest.",
        "GB",
        gt=0,
        default=None,
    )
    ready_timeout: float = describe_field(
        "The command's server must answer within so long; large models take many minutes to load.",
        "seconds",
        gt=0,
        default=600.0,
    )
    concurrency: int = describe_field("Calls in flight at once in each job.", "calls", ge=1, default=16)
    timeout: float = describe_field(
        "A call without an answer after so long is repeated.", "seconds", gt=0, default=120.0
    )
    attempts: int = describe_field(
        "Calls for one judgment before it is an api_error.", "calls", ge=1, default=8
    )
    prices: Prices | None = describe_field("What a call costs; null costs nothing.", default=None)
    spend_limit: float | None = describe_field(
        "Before a call could bring the cost of an evaluation's ledger above this, the job ends with an error and "
        "keeps what it has paid for; checked in each job: jobs that run at once can together exceed it by what the "
        "others have in flight. null sets no limit.",
        "USD",
        gt=0,
        default=None,
    )
    max_error_share: float = describe_field(
        "A judging job fails when a larger share of its judgments ended as api_error; up to it they are counted in "
        "the tables.",
        ge=0,
        le=1,
        default=0.01,
    )

    @model_validator(mode="before")
    @classmethod
    def check_address(cls, value: Any) -> Any:
        """A secret in an address stands in no error: the judge is refused as a whole, so that no value is shown."""
        address = value.get("base_url") if isinstance(value, dict) else None
        if isinstance(address, str) and any(sign in address for sign in "@?#"):
            fail(
                "base_url must hold no user or password (@), query (?) or fragment (#), which would stand in ledgers "
                "and logs; name the variable of the key in key_variable"
            )
        return value

    @model_validator(mode="after")
    def check_server(self) -> "Judge":
        """One way to the server, a place for its port, and prices wherever there is a limit."""
        if (self.command is None) == (self.base_url is None):
            fail(
                "needs either command (a server to start) or base_url (a server that is there); write one of them"
            )
        if self.command is not None and "{port}" not in self.command:
            fail("must hold {port}, which is replaced by a free port", at=("command",))
        for key in ("gpus", "memory_gb"):
            if getattr(self, key) and self.command is None:
                fail(f"belongs to a server that command starts; remove {key}, or write command", at=(key,))
        if self.gpu_memory_gb is not None and not self.gpus:
            fail(
                "belongs to a server with GPUs; write gpus: 1 or more, or remove gpu_memory_gb",
                at=("gpu_memory_gb",),
            )
        if self.spend_limit is not None and self.prices is None:
            fail(
                "needs prices; add prices: {input: …, output: …} in USD per million tokens",
                at=("spend_limit",),
            )
        return self

    def get_server(self) -> str:
        """The server's name in the ledger."""
        if self.server or self.base_url:
            return self.server or self.base_url.rstrip("/")
        scripts = _OWN_SCRIPT.findall(self.command)
        # What a judge of this repository answers is a matter of its code.
        return f"{self.command} ({get_code_identity(*scripts)[:_SHOWN_DIGITS]})" if scripts else self.command


class JudgedEvaluation(StrictModel):
    """What all evaluations by a judge have in common."""

    consistency: int = describe_field(
        "Prompts of every run that the judge is asked about a second time, to measure how far it agrees with itself.",
        "prompts",
        ge=0,
        default=0,
    )
    max_new_tokens: int | None = describe_field(
        "Longest response; null takes the evaluation's.", "tokens", ge=1, default=None
    )

    def refuse_more_than(self, most: int, what: str) -> None:
        """Refuse more second questions than there are first ones."""
        if self.consistency > most:
            fail(f"is more than {what}; lower it", at=("consistency",))


class MtBench(JudgedEvaluation):
    """MT-Bench: two-turn questions in eight categories, rated from 1 to 10 or compared with a baseline."""

    questions: Literal["world", "fastchat"] = describe_field(
        "Whose questions, references and judge prompts: the world's own, or the 80 published with FastChat.",
        default="world",
    )
    references: Literal["original", "corrected"] = describe_field(
        "Reference answers to FastChat's questions: GPT-4's as published, of which 13 of 30 are wrong, or those of "
        "pull request 3158. Numbers under the two are not comparable.",
        default="original",
    )
    mode: Literal["single", "pairwise"] = describe_field(
        "Rate each response alone, or compare it with the SFT model's in both orders.", default="single"
    )

    @model_validator(mode="after")
    def check_consistency(self) -> "MtBench":
        """No more second questions than questions."""
        self.refuse_more_than(MT_BENCH_QUESTIONS, f"the {MT_BENCH_QUESTIONS} questions")
        return self


class AlpacaEval(JudgedEvaluation):
    """AlpacaEval 2.0: the judge's preference for a run over a baseline, weighted by its log-probabilities."""

    instructions: str | None = describe_field(
        "File of instructions in AlpacaEval's format (`instruction`, `output` of the reference, `dataset`), such as "
        "its own 805 with GPT-4's outputs; null takes the world's own.",
        default=None,
        min_length=1,
    )
    difficulties: str | None = describe_field(
        "AlpacaEval's file df_gamed.csv, with the difficulties of its 805 instructions: the length-controlled win "
        "rate is then the published one; for baseline: reference alone, because they are about GPT-4's outputs. null "
        "fits difficulties to the study's own runs, as lc_study.",
        default=None,
        min_length=1,
    )
    prompts: int = describe_field(
        "So many of the instructions, from the first on.", "prompts", ge=10, default=805
    )
    baseline: Literal["sft", "reference"] = describe_field(
        "What every run is compared with: the study's SFT model, or the outputs that come with the instructions.",
        default="sft",
    )
    inverse_regularisation: float = describe_field(
        "C of the length-controlled win rate: weight of the data against the L1 penalty of its three coefficients.",
        gt=0,
        default=PUBLISHED_C,
    )
    alignment: Literal["question", "row"] = describe_field(
        "Difficulties are looked up by question, or by row number as upstream does, which a question without a row "
        "would shift; judging here leaves none out.",
        default="question",
    )

    @model_validator(mode="after")
    def check_prompts(self) -> "AlpacaEval":
        """No more second questions than prompts, and no more prompts than the world has."""
        if self.instructions is None and self.prompts > REVIEWS_INSTRUCTIONS:
            fail(
                f"the world has {REVIEWS_INSTRUCTIONS} instructions; lower it, or name a file in instructions",
                at=("prompts",),
            )
        self.refuse_more_than(self.prompts, f"prompts: {self.prompts}")
        return self

    @model_validator(mode="after")
    def check_difficulties(self) -> "AlpacaEval":
        """Published difficulties are those of published instructions, met by the outputs published with them."""
        if self.difficulties is not None and self.instructions is None:
            fail(
                "belong to AlpacaEval's own instructions; name their file in instructions",
                at=("difficulties",),
            )
        if self.difficulties is not None and self.baseline != "reference":
            fail(
                f"are about comparisons with the outputs in instructions, not with baseline: {self.baseline}; write "
                "baseline: reference, or remove difficulties, which fits them to the study's own runs",
                at=("difficulties",),
            )
        return self


class Summaries(JudgedEvaluation):
    """Pairwise comparison of summaries with the human one and with the SFT model's."""

    rows: int = describe_field("Rows; posts may have several.", "rows", ge=10)
    opponents: Literal["both", "human", "sft"] = describe_field(
        "Whose summaries a run's are compared with.", default="both"
    )

    @model_validator(mode="after")
    def check_consistency(self) -> "Summaries":
        """No more second questions than rows."""
        self.refuse_more_than(self.rows, f"rows: {self.rows}")
        return self


EVALUATIONS = ("mt_bench", "alpaca_eval", "summaries")
