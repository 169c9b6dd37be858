"""The site's settings: what is unset or wrong is told before any job, by file, line and key."""

import re

import pytest
import yaml

from execution.site import FILE, GpuMemory, Partitions, Site, SiteError, read_site

LEAST = "account: lab\npartitions: {cpu: short, gpu: long}\n"


@pytest.fixture
def write(tmp_path):
    """Writes a site's file."""

    def write(text: str):
        file = tmp_path / "site.yaml"
        file.write_text(text)
        return file

    return write


def find_mistakes(file) -> list[str]:
    """The mistakes of a file as lines, the file's folder left out."""
    with pytest.raises(SiteError) as error:
        read_site(file)
    return str(error.value).replace(f"{file.parent}/", "").splitlines()


def test_shipped_file_asks_for_what_only_the_user_knows(pytestconfig):
    """A user who forgets the account must read which line to fill in, not an error of sbatch for each job."""
    file = pytestconfig.rootpath / FILE
    text = file.read_text().splitlines()
    account, cpu, gpu = (1 + text.index(line) for line in ("account:", "  cpu:", "  gpu:"))
    with pytest.raises(SiteError) as error:
        read_site(file)
    assert [
        line.removeprefix(f"{file}:").partition(" unset;")[0] for line in str(error.value).splitlines()
    ] == [
        f"{account}: account: null:",
        f"{cpu}: partitions.cpu: null:",
        f"{gpu}: partitions.gpu: null:",
    ]


def test_shipped_file_with_three_lines_filled_in_is_complete(pytestconfig, write):
    """The file promises that the rest has sensible defaults, and a key that it does not show is never found."""
    text = (pytestconfig.rootpath / FILE).read_text()
    for key, value in (("account", "lab"), ("  cpu", "short"), ("  gpu", "long")):
        text, found = re.subn(rf"^{key}:$", f"{key}: {value}", text, flags=re.M)
        assert found == 1
    site = read_site(write(text))
    assert (site.account, site.partitions) == ("lab", Partitions(cpu="short", gpu="long"))
    shown = yaml.safe_load(text)
    assert set(shown) == set(Site.model_fields)
    assert set(shown["partitions"]) == set(Partitions.model_fields)
    assert {key for kind in shown["gpu_memory"] for key in kind} == set(GpuMemory.model_fields)
    # What the file shows of the optional keys is what is taken without them, but for the GPUs that it has to name.
    least = read_site(write(LEAST))
    for key in set(Site.model_fields) - {"account", "partitions", "gpu_model", "gpu_memory"}:
        assert getattr(site, key) == getattr(least, key), key
    assert least.gpu_model is None
    assert least.kinds == ()


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("account: lab\n", ["site.yaml:1: partitions: unset; write its value. Names of the partitions."]),
        (
            LEAST + "gpu_modell: a100\n",
            ["site.yaml:3: gpu_modell: 'a100': unknown key; did you mean 'gpu_model'? known: account, "],
        ),
        (
            "account: lab\npartitions: {cpu: short, gpux: long}\n",
            [
                "site.yaml:2: partitions.gpu: unset;",
                "site.yaml:2: partitions.gpux: 'long': unknown key; did you mean 'gpu'? known: cpu, gpu",
            ],
        ),
        (
            LEAST + "gpu_memory:\n  - {gb: 80, constrain: big}\n  - {gb: -40}\n",
            [
                "site.yaml:4: gpu_memory[0].constrain: 'big': unknown key; did you mean 'constraint'? known: gb, ",
                "site.yaml:5: gpu_memory[1].gb: -40: it should be greater than 0, such as 40. Memory of one GPU.",
            ],
        ),
        (
            LEAST + "gpus_per_node: eight\ncpus_per_gpu: 0\nscratch: 1.5\n",
            [
                "site.yaml:3: gpus_per_node: 'eight': it should be a whole number without a unit, such as 8. GPUs",
                "site.yaml:4: cpus_per_gpu: 0: it should be greater than or equal to 1, such as 8.",
                "site.yaml:5: scratch: 1.5: it should be text; write it in quotes.",
            ],
        ),
        (
            LEAST + "max_runtime: 2d\ngpu_memory:\n  - {gb: 40GB}\n",
            [
                "site.yaml:3: max_runtime: '2d': it should be a whole number without a unit, such as 1440. The",
                "site.yaml:5: gpu_memory[0].gb: '40GB': it should be a whole number without a unit, such as 40. ",
            ],
        ),
        (
            LEAST + "qos: ''\ngpu_model: ''\nscratch: tmp/here\n",
            [
                "site.yaml:3: qos: '': unset; write its value, or null.",
                "site.yaml:4: gpu_model: '': unset; write its value, or null.",
                "site.yaml:5: scratch: 'tmp/here': it should be an absolute path or begin with a variable, such as "
                "$SCRATCH/tmp. Folder",
            ],
        ),
        (
            # An account that is a number is common.
            LEAST.replace("lab", "12345"),
            ["site.yaml:1: account: 12345: it should be text; write it in quotes. Account that the jobs are"],
        ),
        (LEAST.replace("short", "''"), ["site.yaml:2: partitions.cpu: '': unset; write its value."]),
        (LEAST + "software: docker\n", ["site.yaml:3: software: 'docker': it should be 'conda' or 'host'."]),
        (
            LEAST + "account: other\n",
            ["site.yaml:3: account: 'other': the key is already given in line 1; keep one of the two"],
        ),
        ("", ["site.yaml:1: the file is empty; `git show HEAD:slurm/site.yaml` shows what it holds"]),
        (
            "- lab\n",
            ["site.yaml:1: ['lab']: the top level must be a mapping of keys such as title and"],
        ),
        ("account: [\n", ["site.yaml:2: not YAML: "]),
    ],
)
def test_mistake_names_line_key_and_what_to_write(write, text, mistakes):
    """A setting that is misread in silence sends a night's jobs to the wrong place."""
    found = find_mistakes(write(text))
    assert len(found) == len(mistakes), found
    for line, mistake in zip(found, mistakes, strict=True):
        assert line.startswith(mistake)


def test_missing_file_says_where_it_comes_from(tmp_path):
    """Advice on studies, whose reader this file shares, would lead astray."""
    (line,) = find_mistakes(tmp_path / "site.yaml")
    assert line == "site.yaml: no such file; `git show HEAD:slurm/site.yaml` shows what it holds"


def test_kinds_of_gpus_are_sorted_by_memory(write):
    """A job is sent to the first that suffices: in the order of the file it would wait for the largest."""
    site = read_site(
        write(
            LEAST
            + "gpu_memory:\n  - {gb: 80, constraint: big}\n  - {gb: 24}\n  - {gb: 40, constraint: mid}\n"
        )
    )
    assert [(kind.gb, kind.constraint) for kind in site.kinds] == [(24, None), (40, "mid"), (80, "big")]


@pytest.mark.parametrize("folder", ["/scratch/$USER", "$SCRATCH/tmp", "${TMPDIR}", "/tmp"])
def test_scratch_may_be_a_variable(write, folder):
    """On most clusters the folder of a job has its number or the user's name in it."""
    assert read_site(write(LEAST + f"scratch: {folder}\n")).scratch == folder


def test_null_means_none_for_every_key_that_may_be_none(write):
    """A user who writes null for what the cluster does not have must not read that it is unset."""
    keys = ("qos", "max_runtime", "gpu_model", "gpu_memory", "scratch")
    assert read_site(write(LEAST + "".join(f"{key}: null\n" for key in keys))) == read_site(write(LEAST))
