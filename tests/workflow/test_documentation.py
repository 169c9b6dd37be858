"""Every command of README and docs is run: here in a finished tiny study, or by the test that is named."""

import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
from documented_commands import PAGES, find_bare_fences, list_commands, read_study
from workflow_copy import TIMEOUT

from tests.cluster.working_copy import ROOT, get_environment, run_command

LOCAL = "snakemake --profile profiles/local"
ALIAS = "results/mini/cells/dlrml/beta_kl~0.05__beta_mix~0.05__tau~0.05/seed~1/scores/frontier.jsonl"
STORED = "data/mt_bench/model_judgment/gpt-4"
FILES = f"{STORED}_single.jsonl {STORED}_pair.jsonl"
DOWNLOAD = f"hf download lmsys/mt-bench {FILES} --repo-type space --local-dir downloads/lmsys"
EVENTS = "docs/reliability_events.csv"
DONE = "Nothing to be done"
# What is run in the finished study, and what must be printed.
HERE = {
    "make install": DONE.lower(),
    ". .venv/bin/activate": "",
    "make demo": DONE,
    LOCAL: DONE,
    f"{LOCAL} -n": DONE,
    f'{LOCAL} --config "studies=[mini]"': DONE,
    f'{LOCAL} --config "studies=[mini]" -n': DONE,
    f"{LOCAL} --until train_cell": DONE,
    f"{LOCAL} --touch": DONE,
    f"{LOCAL} figures": DONE,
    "snakemake --report report.html": "Report created.",
    "python -m lossgrid status": "jobs done",
    "python -m lossgrid status mini": "jobs done",
    "python -m lossgrid estimate mini": "Study mini on the CPU",
    "python -m lossgrid estimate mini --jobs 100": "With 100 jobs at once",
    "python -m lossgrid prune mini": "0 policies removed (keep_policy: all)",
    "python -m lossgrid audit mini": "wrong sign at the start",
    "python -m lossgrid audit mini --csv audit.csv": "wrong sign at the start",
    "python -m lossgrid show mini": "# studies/mini.yaml",
    "python -m lossgrid audit wedge": "wrong sign at the start",
    "python -m lossgrid estimate wedge": "Study wedge on the CPU",
    f'{LOCAL} --config "studies=[wedge]" -n': "train_cell",
    f"python tests/cluster/summarise_campaign.py {EVENTS}": "same bits at the end",
    "python -m lossgrid.studies.reference": "",
    "make docs": "",
    "pip install .": "Successfully installed lossgrid",
}
# Too long for a test, or in need of a network: what is run instead.
INSTEAD = {
    f'{LOCAL} --config "studies=[mini_deepspeed]"': f'{LOCAL} --config "studies=[mini_deepspeed]" -n',
    "hf download NAME": "hf download --help",
    "hf auth login": "hf auth login --help",
    DOWNLOAD: f"{DOWNLOAD} --help",
    "pip install bitsandbytes": "pip install --help",
    "python -m pytest tests/worlds tests/studies/test_study_identity.py": (
        "python -m pytest tests/worlds tests/studies/test_study_identity.py --collect-only -q"
    ),
}


@dataclass(frozen=True)
class Elsewhere:
    """A command that is run elsewhere, because it needs more than a finished study.

    Attributes:
        file: Where.
        text: What stands there, by which it can be found.
    """

    file: str
    text: str


ADD_A_LOSS = Elsewhere("tests/objectives/test_add_a_loss.py", "run(COMMANDS[3], folder)")
FIRST_HOUR = Elsewhere("tests/workflow/test_first_hour.py", "for command in FIRST_HOUR")
CARD = Elsewhere("tests/workflow/test_card_of_a_judge.py", "fresh.run(*TARGETS)")
ON_SLURM = Elsewhere("tests/cluster/test_documented_commands.py", "COMMANDS")
CONVENTIONS = Elsewhere("tests/workflow/test_conventions.py", '"--lint"')
BATCHES = Elsewhere("tests/judging/test_batch_jobs.py", '"export-batch"')
FULL = Elsewhere("tests/workflow/test_full_studies.py", "estimate_study(FULL[name]")
PLANNED = Elsewhere("tests/workflow/test_full_studies.py", "snakemake -n --cores 1")
SHRUNK = Elsewhere("tests/workflow/test_full_studies.py", "run(copy, local, LONGEST)")
FETCHED = Elsewhere("tests/worlds/test_hub_locking.py", "lock_study(study)")
SUITE = Elsewhere(".ci/run", "make test")
CAMPAIGN = Elsewhere("tests/cluster/test_fault_campaign.py", "suffer_run(")
ELSEWHERE = {
    "make test": SUITE,
    "make test-all": SUITE,
    "make lint": CONVENTIONS,
    "snakemake --lint": CONVENTIONS,
    "make clean": Elsewhere("tests/workflow/test_documentation.py", '"make clean"'),
    "tensorboard --logdir results/mini/live": Elsewhere(
        "tests/workflow/test_documentation.py", '"tensorboard --logdir results/mini/live"'
    ),
    "python -m pytest tests/objectives -k soft_hinge": ADD_A_LOSS,
    f'{LOCAL} --config "studies=[soft_hinge]" --dry-run': ADD_A_LOSS,
    f'{LOCAL} --config "studies=[soft_hinge]"': ADD_A_LOSS,
    f'{LOCAL} --config "studies=[wedge]"': FIRST_HOUR,
    f'{LOCAL} "{ALIAS}"': FIRST_HOUR,
    f"{LOCAL} results/my_study/figures/judge_card.pdf": CARD,
    "python -m lossgrid audit imdb": PLANNED,
    "python -m lossgrid estimate imdb --jobs 8": FULL,
    'snakemake --profile slurm --config "studies=[imdb]" -- prepare': FETCHED,
    'snakemake --profile slurm --config "studies=[imdb]"': PLANNED,
    "snakemake prepare -R fetch_repositories": FETCHED,
    "snakemake prepare": SHRUNK,
    "python -m lossgrid shrink": Elsewhere("tests/workflow/test_full_studies.py", "python -m lossgrid shrink"),
    "python -m lossgrid show imdb_shrunk": PLANNED,
    "export HF_HOME=$PWD/downloads/shrunk HF_HUB_OFFLINE=1": SHRUNK,
    f'{LOCAL} --config "studies=[imdb_shrunk]" -- prepare': SHRUNK,
    f'{LOCAL} --config "studies=[imdb_shrunk]"': SHRUNK,
    "snakemake --profile slurm": ON_SLURM,
    "snakemake --profile slurm prepare": ON_SLURM,
    "snakemake --profile slurm --slurm-array-jobs train_cell": ON_SLURM,
    'sbatch --wrap "snakemake --profile slurm"': ON_SLURM,
    "tests/cluster/install.sh accounting": Elsewhere("tests/cluster/conftest.py", "[INSTALL]"),
    f"python tests/cluster/fault_campaign.py --folder /tmp/faults --events 60 --table {EVENTS}": CAMPAIGN,
    "python -m lossgrid export-batch my_study alpaca_eval batch/": BATCHES,
    "python -m lossgrid import-batch my_study alpaca_eval output.jsonl errors.jsonl": BATCHES,
    "python workflow_scripts/serve_oracle.py --port {port}": Elsewhere(
        "tests/workflow/workflow_copy.py", "python workflow_scripts/serve_oracle.py --port {port}"
    ),
}  # fmt: skip


def run(command: str, folder: Path, seconds: int = 3 * TIMEOUT, **variables: str) -> str:
    """Run a command in a shell, as a reader does; what it prints."""
    environment = {**get_environment(), "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}
    return run_command(command, folder, seconds, environment)


def add_environment(folder: Path) -> None:
    """Give a copy the environment that this test runs in, as if it had been installed there."""
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / name).symlink_to(Path(sys.prefix, name))
    (folder / ".venv" / "installed").touch()


@pytest.fixture(scope="module")
def documented(finished, tmp_path_factory) -> Path:
    """The finished tiny study under the name of the study that the pages speak of, and the pages' own studies."""
    folder = finished.copy(tmp_path_factory.mktemp("documented") / "repository").folder
    (folder / "studies/tiny.yaml").rename(folder / "studies/mini.yaml")
    (folder / "results/tiny").rename(folder / "results/mini")
    (folder / "studies/wedge.yaml").write_text(read_study(ROOT / "docs/first-hour.md", "wedge"))
    (folder / "studies/mini_deepspeed.yaml").write_text((ROOT / "studies/mini_deepspeed.yaml").read_text())
    add_environment(folder)
    return folder


def test_every_command_is_run_somewhere():
    """A page that changes must not get commands that nobody has tried, nor this table such that nobody types."""
    found = {each.command for each in list_commands()}
    known = HERE.keys() | INSTEAD.keys() | ELSEWHERE.keys()
    assert found - known == set()
    assert known - found == set()


@pytest.mark.parametrize("command", HERE)
def test_a_command_does_what_the_page_says(documented, command, tmp_path):
    """A reader who types it would get an error, or work that is done already."""
    away = {"PIP_TARGET": str(tmp_path), "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    assert HERE[command].lower() in run(command, documented, **away).lower()


@pytest.mark.parametrize("command", INSTEAD)
def test_a_long_command_is_known_to_its_program(documented, command):
    """What takes minutes or a network is planned or explained."""
    run(INSTEAD[command], documented)


@pytest.mark.parametrize("place", sorted(set(ELSEWHERE.values()), key=str), ids=lambda place: place.file)
def test_the_other_place_is_there(place):
    """A test that was renamed would run the command no more."""
    assert place.text in (ROOT / place.file).read_text(encoding="utf-8")


def test_tensorboard_shows_the_live_view(documented):
    """It is asked for its runs over HTTP, as its page does."""
    command = "tensorboard --logdir results/mini/live"
    process = subprocess.Popen(
        shlex.split(command), cwd=documented, env=get_environment(), stderr=subprocess.PIPE, text=True
    )
    try:
        lines = []
        while not (address := re.search(r"http://\S+", "".join(lines))):
            line = process.stderr.readline()
            assert line, "".join(lines)
            lines.append(line)
        deadline = time.monotonic() + TIMEOUT
        while "dpo/beta~0.1/seed~1" not in (runs := read(f"{address[0]}data/runs")):
            assert time.monotonic() < deadline, runs
            time.sleep(0.5)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT)


def read(address: str) -> str:
    """A page of a server on this machine."""
    with urllib.request.urlopen(address, timeout=TIMEOUT) as response:
        return response.read().decode()


def test_clean_takes_results_and_nothing_else(finished, tmp_path):
    """`rm` in a Makefile is to be watched."""
    folder = finished.copy(tmp_path / "repository").folder
    add_environment(folder)
    before = {path for path in folder.rglob("*") if path.is_file()}
    run("make clean", folder)
    gone = {path.relative_to(folder).parts[:1] for path in before if not path.exists()}
    assert gone == {(".snakemake",), ("results",)}
    assert (folder / "results/README.md").exists()
    assert not (folder / "results/tiny").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_say_what_they_are(page):
    """Whether a block is to be typed must be seen, and tested."""
    assert find_bare_fences(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """Pages move."""
    for target, anchor in re.findall(
        r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")
    ):
        file = page.parent / target if target else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor and file.suffix == ".md":
            headings = re.findall(r"^#+ (.*)", file.read_text(encoding="utf-8"), re.M)
            assert anchor in {spell_anchor(heading) for heading in headings}, (
                f"{page.name}: {target}#{anchor}"
            )


def spell_anchor(heading: str) -> str:
    """The address of a heading, as GitHub spells it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
