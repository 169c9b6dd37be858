"""The judge of a study: an OpenAI-compatible server, what it needs, and what it costs."""

import re
from typing import Any

from pydantic import model_validator

from lossgrid.studies.base import StrictModel, describe_field, fail
from lossgrid.studies.code_identity import get_code_identity

REVISION = "{revision}"
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
        "stops it. `{revision}` is replaced by the commit of the model on the hub that the study's lock file holds.",
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

    def needs_revision(self) -> bool:
        """Whether the command wants to know at which commit the model is served."""
        return self.command is not None and REVISION in self.command

    def get_command(self, revision: str) -> str:
        """The command with the commit of the model."""
        return self.command.replace(REVISION, revision)

    def get_server(self) -> str:
        """The server's name in the ledger."""
        if self.server or self.base_url:
            return self.server or self.base_url.rstrip("/")
        scripts = _OWN_SCRIPT.findall(self.command)
        # What a judge of this repository answers is a matter of its code.
        return f"{self.command} ({get_code_identity(*scripts)[:_SHOWN_DIGITS]})" if scripts else self.command
