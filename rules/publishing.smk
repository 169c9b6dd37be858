from snakemake.settings.types import DeploymentMethod

from lossgrid.training.live.tracker_choice import CHOICE, check_tracker

# What a text may quote, what a model's card says, and what the report shows.
QUOTED_TABLES = {"cells", "mt_bench", "leaderboard", "summaries", "comparisons", "claims"}
CARD_TABLES = {"cells", "mt_bench", "leaderboard", "summaries", "judge", "judge_costs"}
REPORT_TABLES = CARD_TABLES | {"audit", "data", "predictions", "comparisons", "claims", "costs", "judge_card"}


def collect_tables(names):
    """An input function: those of the tables that the study has."""
    return lambda wildcards: [
        f"results/{wildcards.study}/tables/{table}.csv"
        for table in list_tables(get_study(wildcards))
        if table in names
    ]


def get_documents(study):
    """All that a study writes for readers."""
    return [f"results/{study}/{file}" for files in list_documents(STUDIES[study]).values() for file in files]


def get_paper_files():
    """What a paper takes from the studies that config.yaml names: figures with their captions, and numbers to quote."""
    return [
        file
        for study in BUILT
        for file in get_documents(study)
        if file.startswith(f"results/{study}/figures/") or file.endswith(".tex")
    ]


def get_page_code(folder, script, *functions):
    """Hash of a script's code, with functions added by name, and of the page that it fills."""
    files = [
        file
        for name in ("shared", folder)
        for file in sorted(Path(workflow.basedir, "report", name).iterdir())
    ]
    page = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return f"{get_code(script, *functions)} {page}"


def get_explorer_code():
    """Hash of the loss explorer's code, of its page and of every loss of the catalogue, all of which it shows."""
    functions = sorted({f"lossgrid.objectives.{objective.function}" for objective in CATALOGUE.values()})
    return get_page_code("explorer", "make_explorer", *functions)


def get_published(wildcards):
    """The paper that a study repeats, with the numbers that stand beside its own, as JSON."""
    reproduces = get_study(wildcards).reproduces
    if reproduces is None:
        return ""
    numbers = Path(workflow.basedir, "lossgrid/figures/published.yaml").read_text(encoding="utf-8")
    return json.dumps([reproduces.model_dump(mode="json"), numbers])


def get_published_frontier(wildcards):
    """The file of a published frontier that the study names, if it does."""
    reproduces = get_study(wildcards).reproduces
    file = reproduces and reproduces.frontier
    if file and not os.path.isfile(file):
        raise WorkflowError(
            f"studies/{wildcards.study}.yaml: reproduces.frontier: {file}: no such file; put the paper's file there or "
            "correct the path"
        )
    return file or []


def get_tracker():
    """The experiment tracker that config.yaml names, checked where jobs are planned."""
    choice = str(config.get("tracker") or "none")
    if not workflow.is_main_process:
        return choice
    is_conda_used = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
    environment = Path(os.path.relpath(Path(workflow.basedir, "envs", "train.yaml")))
    try:
        return check_tracker(choice, environment if is_conda_used else None)
    except ValueError as error:
        raise WorkflowError(f"config.yaml: {error}") from None
