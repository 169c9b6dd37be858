"""The one file that says what is particular about a cluster: slurm/site.yaml."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ValidationError

from lossgrid.studies.base import StrictModel, describe_field
from lossgrid.studies.document import Document, read_document
from lossgrid.studies.errors import StudyError, suggest

FILE = Path("slurm/site.yaml")


class Partitions(StrictModel):
    """Names of the partitions that jobs go to."""

    cpu: str = describe_field("Partition of the jobs without a GPU.", min_length=1)
    gpu: str = describe_field("Partition of the jobs with GPUs.", min_length=1)


class GpuMemory(StrictModel):
    """A kind of node by the memory of its GPUs."""

    gb: int = describe_field("Memory of one GPU.", "GB", gt=0, examples=[40])
    constraint: str | None = describe_field(
        "Feature of the nodes with such GPUs, as `sinfo -o '%N %f'` shows it; null where all GPUs are alike.",
        default=None,
        min_length=1,
    )


class Site(StrictModel):
    """What is particular about a cluster."""

    account: str = describe_field("Account that the jobs are charged to.", min_length=1)
    partitions: Partitions = describe_field("Names of the partitions.")
    qos: str | None = describe_field(
        "Quality of service of all jobs; null asks for none.", default=None, min_length=1
    )
    max_runtime: int | None = describe_field(
        "The longest that a job may ask for, where the account or the quality of service allows less time than the "
        "partitions; null asks for what the partitions allow.",
        "minutes",
        ge=1,
        default=None,
        examples=[1440],
    )
    gpu_model: str | None = describe_field(
        "Model of the GPUs as --gpus wants it, such as a100; null takes any.", default=None, min_length=1
    )
    gpus_per_node: int = describe_field("GPUs of one node.", "GPUs", ge=1, default=8, examples=[8])
    cpus_per_gpu: int = describe_field(
        "CPU cores that come with one GPU.", "cores", ge=1, default=8, examples=[8]
    )
    gpu_memory: Annotated[
        tuple[GpuMemory, ...], BeforeValidator(lambda kinds: () if kinds is None else kinds)
    ] = describe_field(
        "The kinds of GPUs there are, by memory; a job is sent to the smallest that suffices.",
        default=(),
        strict=False,
        examples=["[{gb: 40, constraint: null}]"],
    )
    scratch: str | None = describe_field(
        "Folder on the nodes' own disks for temporary files, absolute or beginning with a variable that the nodes "
        "know; null takes Slurm's or the system's.",
        default=None,
        pattern=r"^(/|\$\{?\w)",
        examples=["$SCRATCH/tmp"],
    )
    software: Literal["conda", "host"] = describe_field(
        "Where jobs find their packages: in environments that conda makes from envs/, or in the environment that "
        "Snakemake itself runs in.",
        default="conda",
    )

    @cached_property
    def kinds(self) -> tuple[GpuMemory, ...]:
        """The kinds of GPUs, smallest first."""
        return tuple(sorted(self.gpu_memory, key=lambda kind: kind.gb))


class SiteError(ValueError):
    """The site's settings have mistakes, one line each."""


def read_site(file: Path = FILE) -> Site:
    """Read the site's settings.

    Raises:
        SiteError: There is no such file, a key is unset, unknown or of another kind; the message names file and key.
    """
    try:
        document = read_document(file)
    except StudyError as error:
        # The advice is for studies.
        problem = str(error).partition(";")[0]
        raise SiteError(f"{problem}; `git show HEAD:{FILE}` shows what it holds") from None
    lines = [problem.describe() for problem in document.problems]
    try:
        site = Site.model_validate(document.data)
    except ValidationError as error:
        lines += [describe(details, document) for details in error.errors(include_url=False)]
    if lines:
        raise SiteError("\n".join(lines))
    return site


def describe_value(location: tuple[int | str, ...], message: str, file: Path = FILE) -> str:
    """What is wrong with a value on this cluster, as a line: the file, the line, the key, its value, and the fix.

    Args:
        location: Keys and list indices from the top of the site's file.
        message: What is wrong and how to fix it.
        file: The site's.
    """
    try:
        return read_document(file).locate(location, message).describe()
    except StudyError:
        # Changed since it was read.
        return f"{file}: {'.'.join(map(str, location))}: {message}"


def describe(details: dict[str, Any], document: Document) -> str:
    """One mistake as a line: the file, the key, its value, and what to write."""
    location = details["loc"]
    fields = find_fields(location[:-1])
    key, meaning, example = str(location[-1]), "", ""
    if key in fields:
        meaning = f" {fields[key].description}"
        example = "".join(f", such as {value}" for value in fields[key].examples or ())
    match details["type"]:
        case "extra_forbidden":
            message = f"unknown key; {suggest(key, fields)}known: {', '.join(fields)}"
        case "missing":
            message = f"unset; write its value.{meaning}"
        case _ if details["input"] is None or details["input"] == "":
            # Those that need not be set.
            null = ", or null" if key in fields and not fields[key].is_required() else ""
            message = f"unset; write its value{null}.{meaning}"
        case "string_type" if isinstance(details["input"], int | float):
            message = f"it should be text; write it in quotes.{meaning}"
        case "int_type" | "int_parsing":
            message = f"it should be a whole number without a unit{example}.{meaning}"
        case "string_pattern_mismatch":
            message = f"it should be an absolute path or begin with a variable{example}.{meaning}"
        case _:
            # pydantic's own words, such as "Input should be a valid string".
            message = f"{details['msg'].replace('Input should', 'it should')}{example}.{meaning}"
    return document.locate(location, message).describe()


def find_fields(location: tuple[int | str, ...]) -> dict[str, Any]:
    """The known keys at a place."""
    models = {(): Site, ("partitions",): Partitions}
    model = models.get(location) or (GpuMemory if location[:1] == ("gpu_memory",) else Site)
    return dict(model.model_fields)
