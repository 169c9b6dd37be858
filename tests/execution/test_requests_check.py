"""What jobs will ask for is looked at before the first of them."""

from tiny_workflow import MAKE

from execution.site import FILE

SITE = "account: lab\npartitions: {cpu: cpu, gpu: gpu}\ngpu_memory:\n  - {gb: 20}\nsoftware: host\n"
MAKE_RULE = "rule make:\n    input: 'before'\n"
# Of a run that fails its job, seconds until it looks for its end.
SOON = ("--slurm-init-seconds-before-status-checks", "1")


def write_workflow(tiny, gpus: int) -> None:
    """A study whose second job needs GPUs."""
    tiny.write(MAKE)
    file = tiny.folder / "Snakefile"
    text = file.read_text().replace("results/tiny/", "results/{study}/")
    text = text.replace(
        "rule make:\n", "rule before:\n    output: 'before'\n    shell: 'touch before'\n\n\n" + MAKE_RULE
    )
    file.write_text(text.replace("Requirements(8, ", f"Requirements({gpus}, "))
    (tiny.folder / FILE).parent.mkdir()
    (tiny.folder / FILE).write_text(SITE)


def test_job_that_cannot_be_placed_ends_the_run_at_its_start(tiny, slurm):
    """Training may begin days after the start: to fail then, at every attempt, would cost the whole study's time."""
    write_workflow(tiny, 17)
    process = tiny.run("--executor", "slurm", "--jobs", "1")
    assert process.returncode != 0
    line = (
        "study tiny: training.processes: 17: cannot be divided evenly among nodes of 8 GPUs (slurm/site.yaml: "
        "gpus_per_node); write 16 or 18"
    )
    assert line in process.stdout
    assert "Traceback" not in process.stdout
    assert slurm.get_calls("sbatch") == []
    # Nothing is left that the next start would have to remove.
    assert not (tiny.folder / ".snakemake/locks").exists()
    looked = tiny.run("--executor", "slurm", "--jobs", "1", "-n")
    assert looked.returncode != 0
    assert line in looked.stdout


def test_gpu_that_no_node_has_is_told_at_the_start(tiny, slurm):
    """The estimate may be wrong, so that the study is tried; but who reads the line may save a night."""
    write_workflow(tiny, 8)
    slurm.refuse_jobs("refused")
    process = tiny.run("--executor", "slurm", "--jobs", "1", *SOON)
    said = process.stdout
    line = "study tiny: make: needs 30 GB on a GPU by the estimate, and the largest have 20 GB"
    assert said.count(line) == 1
    assert said.index(line) < said.index("SLURM sbatch failed")
    assert line not in tiny.run("--executor", "slurm", "--jobs", "1", "-n").stdout
