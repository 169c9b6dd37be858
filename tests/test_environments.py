"""The conda environments and pyproject.toml agree with the lock and hold what the scripts import."""

import ast
import re
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = sorted(file.stem for file in (ROOT / "envs").glob("*.yaml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Environments with a lock of their own: vLLM's packages are not those of the rest.
LOCKS = {"serve": "requirements-serve.lock"}
# What stands under `conda:` in a rule whose environment depends on the study, and what it can be.
CHOICES = {"get_judge_environment": ("judge", "serve")}
# Scripts that no rule calls, because the command of a study starts them inside a job of this environment.
STARTED_BY_JOBS = {"judge": ("serve_oracle",)}
DECLARED = [
    *PROJECT["dependencies"],
    *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
]


def read_lock(environment: str = "") -> dict[str, str]:
    """The version of every package of an environment's lock."""
    lines = (ROOT / LOCKS.get(environment, "requirements.lock")).read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def read_pins(environment: str) -> dict[str, str]:
    """The pip section of an environment: versions by package, empty where a line is no exact pin."""
    content = yaml.safe_load((ROOT / "envs" / f"{environment}.yaml").read_text(encoding="utf-8"))
    (pip,) = (entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict))
    return {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in pip}


def get_scripts(environment: str) -> set[Path]:
    """The scripts that run in an environment: those of the rules that name it, and what their jobs start.

    A rule whose environment is the wildcard `environment` runs in each of them.
    """
    names = [f'"../envs/{environment}.yaml"', '"../envs/{environment}.yaml"']
    names += [function for function, chosen in CHOICES.items() if environment in chosen]
    scripts = {ROOT / "workflow_scripts" / f"{name}.py" for name in STARTED_BY_JOBS.get(environment, ())}
    for file in (ROOT / "rules").glob("*.smk"):
        for rule in re.split(r"^(?:rule|checkpoint) ", file.read_text(encoding="utf-8"), flags=re.M)[1:]:
            if any(name in rule for name in names):
                scripts |= {ROOT / path for path in re.findall(r"workflow_scripts/\w+\.py", rule)}
    return scripts


def get_imports(file: Path) -> set[str]:
    """The modules that a file imports anywhere, with what it takes from them, as dotted names."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def get_foreign_imports(scripts: set[Path]) -> dict[str, Path]:
    """Every third-party top-level module that the scripts reach through the library, with a file that does."""
    foreign: dict[str, Path] = {}
    seen, waiting = set(), list(scripts)
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        for name in get_imports(file):
            parts = name.split(".")
            if parts[0] == "lossgrid":
                parents = [ROOT.joinpath(*parts[:end]) for end in range(1, len(parts) + 1)]
                candidates = [
                    path for parent in parents for path in (parent.with_suffix(".py"), parent / "__init__.py")
                ]
                waiting += [path for path in candidates if path.is_file()]
            elif parts[0] not in sys.stdlib_module_names:
                foreign[parts[0]] = file
    return foreign


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_the_lock_s(environment):
    """Results under --sdm conda would differ from those that were tested."""
    content = yaml.safe_load((ROOT / "envs" / f"{environment}.yaml").read_text(encoding="utf-8"))
    assert content["channels"] == ["conda-forge", "nodefaults"]
    assert [entry for entry in content["dependencies"] if isinstance(entry, str)] == ["python=3.11", "pip"]
    lock = read_lock(environment)
    pins = read_pins(environment)
    assert pins == {name: lock.get(name) for name in pins}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_holds_what_its_scripts_import(environment):
    """A job on the cluster would end in ModuleNotFoundError after an hour in the queue."""
    scripts = get_scripts(environment)
    assert scripts, f"no rule names envs/{environment}.yaml"
    pins = read_pins(environment)
    providers = packages_distributions()
    missing = {
        module: str(file.relative_to(ROOT))
        for module, file in get_foreign_imports(scripts).items()
        if not {canonicalize_name(name) for name in providers.get(module, [module])} & pins.keys()
    }
    assert missing == {}


def test_figures_need_no_torch():
    """Whoever redraws figures on a laptop would download gigabytes."""
    assert "torch" not in get_foreign_imports(get_scripts("figures"))
    assert not {"torch", "transformers", "trl", "datasets"} & read_pins("figures").keys()


def test_every_script_has_an_environment():
    """A rule without one runs in whatever Python started Snakemake."""
    named = set().union(*(get_scripts(environment) for environment in ENVIRONMENTS))
    assert named == set((ROOT / "workflow_scripts").glob("*.py"))


@pytest.mark.parametrize("environment", [name for name in ENVIRONMENTS if name not in LOCKS])
def test_the_pins_of_an_environment_go_together(environment):
    """No cluster could build the environment, and nobody would notice here."""
    pins = read_pins(environment)
    conflicts = []
    for name in pins:
        for line in distribution(name).requires or []:
            requirement = Requirement(line)
            needed = pins.get(canonicalize_name(requirement.name))
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if needed and applies and not requirement.specifier.contains(needed, prereleases=True):
                conflicts.append(f"{name} needs {requirement}, pinned {needed}")
    assert conflicts == []


@pytest.mark.parametrize("declared", sorted(set(DECLARED)))
def test_what_the_project_declares_is_in_the_lock(declared):
    """`pip install lossgrid[workflow]` and the lock would give two different programs."""
    requirement = Requirement(declared)
    locked = read_lock().get(canonicalize_name(requirement.name), "absent")
    assert locked != "absent"
    assert requirement.specifier.contains(locked, prereleases=True), f"{declared}: locked at {locked}"


def test_the_lock_is_what_is_installed_here():
    """Tests would vouch for versions that nobody ran."""
    lock = read_lock()
    for name in {
        name for environment in ENVIRONMENTS if environment not in LOCKS for name in read_pins(environment)
    }:
        installed = distribution(name).version.partition("+")[0]
        assert installed == lock[name], name


def test_a_served_judge_is_asked_by_the_same_programs():
    """Beside vLLM, another client or another FastChat would ask or read otherwise than what was tested."""
    assert [line for line in read_lock("serve") if line == "vllm"], "requirements-serve.lock has no vLLM"
    own = {"vllm", "torch", "transformers", "numpy"}
    pins, lock = read_pins("serve"), read_lock()
    assert pins.keys() >= own
    assert {name: pins[name] for name in pins.keys() - own} == {
        name: lock[name] for name in pins.keys() - own
    }


def test_the_lock_of_served_judges_is_resolved_from_its_list():
    """A line that was edited by hand is no resolution."""
    lines = (ROOT / "requirements-serve.in").read_text(encoding="utf-8").splitlines()
    lock = read_lock("serve")
    for requirement in map(Requirement, (line for line in lines if line and not line.startswith("#"))):
        locked = lock.get(canonicalize_name(requirement.name), "absent")
        assert locked != "absent", requirement.name
        assert requirement.specifier.contains(locked), f"{requirement}: locked at {locked}"
