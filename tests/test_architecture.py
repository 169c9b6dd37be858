"""The arrows of the architecture: who may import whom."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, EXECUTION = ROOT / "lossgrid", ROOT / "execution"
# Seconds to import each of them, or more.
HEAVY = {"torch", "transformers", "trl", "datasets", "openai", "fastchat", "scipy", "sklearn", "matplotlib"}

# Each package may import those that stand before it, and itself.
ORDER = [
    "objectives",
    "studies",
    "planning",
    "audit",
    "statistics",
    "cards",
    "training",
    "progress",
    "generation",
    "worlds",
    "judging",
    "figures",
    "paper",
    "pages",
]
FILES = sorted(file for file in PACKAGE.rglob("*.py") if file.parent != PACKAGE)


def get_imported_modules(file: Path) -> set[str]:
    """Modules of the library that a file imports, on top or inside functions."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lossgrid"):
            below = PACKAGE.joinpath(*node.module.split(".")[1:])
            modules |= {
                f"{node.module}.{alias.name}" if (below / f"{alias.name}.py").exists() else node.module
                for alias in node.names
            }
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names if alias.name.startswith("lossgrid")}
    return modules


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_one_way(file):
    """A package that reaches back into one built on it can be neither understood nor used alone."""
    own = file.relative_to(PACKAGE).parts[0]
    for module in get_imported_modules(file):
        target = module.split(".")[1]
        assert ORDER.index(target) <= ORDER.index(own), f"{file.name} imports {module}"


def test_no_module_imports_itself_in_a_circle():
    """A circle works until somebody changes the order of two imports."""
    graph = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(
            ".__init__"
        ): get_imported_modules(file)
        for file in PACKAGE.rglob("*.py")
    }
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"circle: {' → '.join([*path[path.index(module) :], module])}"
        if module not in done:
            for target in graph.get(module, ()):
                visit(target, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_losses_import_torch_alone():
    """Anybody must be able to use the losses in a training run of their own."""
    plain_data = {"__init__", "specification"}
    for file in (PACKAGE / "objectives").glob("*.py"):
        if file.stem in plain_data:
            continue
        tree = ast.parse(file.read_text())
        roots = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add(".".join(node.module.split(".")[: 2 if node.module.startswith("lossgrid") else 1]))
        assert roots <= {"torch", "lossgrid.objectives", *sys.stdlib_module_names}


def test_library_knows_nothing_of_its_execution():
    """The library must serve those who use neither the workflow nor a cluster."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "execution" for name in names), file


def test_process_inside_of_a_job_imports_nothing_heavy():
    """On a cluster every job parses the Snakefile twice: seconds for each of a thousand jobs."""
    job = (
        "--target-jobs",
        "make_corpus:study=mini",
        "--allowed-rules",
        "make_corpus",
        "--force",
        "--mode",
        "remote",
    )
    process = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "snakemake", "--cores", "1", "-n", "--nolock", *job],
        cwd=ROOT,
        env={**os.environ, "LOSSGRID_EXECUTOR": "local"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.returncode == 0, process.stdout
    imported = set(re.findall(r"\| +([\w.]+)$", process.stdout, re.M))
    assert "execution.start" in imported
    assert not HEAVY & imported


def test_no_file_is_a_heap():
    """A file is one idea; beyond this size it has become several."""
    long = {
        str(file.relative_to(ROOT)): len(file.read_text().splitlines())
        for package in (PACKAGE, EXECUTION)
        for file in package.rglob("*.py")
        if len(file.read_text().splitlines()) > 260
    }
    assert long == {}
