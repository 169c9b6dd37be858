"""Which studies the workflow builds by itself: the key `studies` of config.yaml."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from lossgrid.studies.document import describe_syntax_error, read_text
from lossgrid.studies.errors import StudyError, suggest
from lossgrid.studies.folder import FOLDER, list_study_files

CONFIG = Path("config.yaml")
_EXAMPLE = "write a name, or a list such as [mini]"


def select_built(config: Mapping[str, Any], known: Collection[str]) -> list[str]:
    """The studies that a configuration names.

    Args:
        config: As read from config.yaml, with what the command line sets by `--config`.
        known: Names of all studies.

    Returns:
        Their names, each once; `studies` may be a single one.

    Raises:
        StudyError: It names none, something that is no name, or a study that is not there.
    """
    where = f"{CONFIG}: studies"
    if "studies" not in config:
        raise StudyError(f"{where}: missing; {_EXAMPLE}")
    value = config["studies"]
    names = [value] if isinstance(value, str) else value
    if not names and (names is None or isinstance(names, list)):
        raise StudyError(f"{where}: {value}: names none, so that nothing would be built; {_EXAMPLE}")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise StudyError(f"{where}: {value!r}: no names of studies; {_EXAMPLE}, numbers in quotes")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise StudyError(
            f"{where}: {', '.join(unknown)}: no such study; {suggest(unknown[0], known)}"
            f"choose from {', '.join(known)} or add {FOLDER}/{unknown[0]}.yaml"
        )
    return list(dict.fromkeys(names))


def read_built(file: Path = CONFIG, folder: Path = FOLDER) -> list[str]:
    """The studies that a file names, as the workflow without options reads it.

    Args:
        file: The configuration.
        folder: Where the studies lie.

    Raises:
        StudyError: It is not there, is no YAML or no mapping, or as `select_built`.
    """
    if not file.exists():
        raise StudyError(f"{file.absolute()}: no such file; run from the repository or name a study")
    text = read_text(file)
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise StudyError(describe_syntax_error(file, text, error)) from None
    if not isinstance(config, dict | None):
        raise StudyError(f"{file}: {config!r}: no mapping of keys; write studies: [mini]")
    return select_built(config or {}, [path.stem for path in list_study_files(folder)])
