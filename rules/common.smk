import hashlib
import json
import os
import re
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# Scripts find the library here and not in an installation: a conda environment holds no lossgrid.
sys.path.insert(0, workflow.basedir)
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [workflow.basedir, os.getenv("PYTHONPATH")])))
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Progress reaches the logs as it comes.
os.environ.setdefault("PYTHONUNBUFFERED", "1")
# Jobs are offline wherever they run, but for the one that fetches: compute nodes have no network as a rule, where each
# try to reach the Hugging Face Hub would cost minutes.
os.environ.setdefault("LOSSGRID_HUB_OFFLINE", os.environ.get("HF_HUB_OFFLINE", "0"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from execution.start import start_process
from execution.watch import JobWatch
from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.planning.requirements import get_requirements
from lossgrid.studies import StudyError, find_aliases, get_cell, get_cells, load_studies
from lossgrid.studies import identity
from lossgrid.studies.built import select_built
from lossgrid.studies.claims import choose_primary_metric, get_evaluated_metrics, get_primary_evaluation
from lossgrid.studies.code_identity import get_code_identity
from lossgrid.studies.products import list_documents, list_shards, list_tables
from lossgrid.statistics.names import get_run_names
from lossgrid.studies.reward import describe_reward
from lossgrid.studies.start_warnings import describe_starts
from lossgrid.training.kept_policies import remove_policies
from lossgrid.training.launch import hash_deepspeed_file
from lossgrid.worlds.catalogue import list_code

try:
    # A relative path, because errors show it.
    STUDIES = load_studies(Path(os.path.relpath(Path(workflow.basedir, "studies"))))
    # Those that `rule all` builds.
    BUILT = select_built(config, STUDIES)
except StudyError as error:
    raise WorkflowError(str(error)) from None

# By study and path: each cell, and for each alias the path of the trained cell that it stands for.
CELLS = {name: {cell.path: cell for cell in get_cells(study)} for name, study in STUDIES.items()}
ALIASES = {name: find_aliases(cells.values()) for name, cells in CELLS.items()}

# What a cell holds beside its policy, below its folder.
RUN_FILES = ["responses/heldout.jsonl", "responses/judged.jsonl", "scores/frontier.jsonl"]
CELL_FILES = ["training.jsonl", "health.json", *RUN_FILES]


def get_study(wildcards):
    """The study that a job belongs to."""
    return STUDIES[wildcards.study]


def get_code(script, *functions):
    """Hash of the code that decides a script's result; functions are added by name."""
    # Hashes are compared and noted by the main process alone. On a cluster each job parses this twice.
    if not workflow.is_main_process:
        return ""
    return get_code_identity(f"workflow_scripts/{script}.py", *functions)


def get_world_code(script, *names):
    """A params function: hash of a script's code and of what it calls of the study's world."""

    def compute(wildcards):
        return get_code(script, *list_code(get_study(wildcards).world.kind, *names))

    return compute


def get_cell_code(wildcards):
    """Hash of the trainer and of this objective's own loss."""
    function = CATALOGUE[wildcards.objective].function
    return get_code("train_cell", f"lossgrid.objectives.{function}")


def get_settings(step):
    """A params function: the part of the study that decides a step's result, as JSON."""
    read = getattr(identity, f"get_{step}_settings")
    return lambda wildcards: json.dumps(read(get_study(wildcards)), sort_keys=True)


def get_audit_code(wildcards):
    """Hash of the audit and of every loss of the study."""
    objectives = sorted({cell.objective for cell in CELLS[wildcards.study].values()})
    functions = sorted({CATALOGUE[name].function for name in objectives})
    return get_code("audit_objectives", *[f"lossgrid.objectives.{function}" for function in functions])


def get_need(rule):
    """A function: what the jobs of a rule need at their nth attempt, after failures more of memory and time."""

    @cache
    def compute(study):
        # `rule all` and aliases have no study in their wildcards.
        return get_requirements(STUDIES.get(study), rule)

    return lambda wildcards, attempt=1: compute(getattr(wildcards, "study", None)).scale(attempt)


def get_resources(rule):
    """The resources of a rule, as functions of the study and the attempt."""
    need = get_need(rule)
    return {
        "mem_mb": lambda wildcards, attempt: need(wildcards, attempt).mem_mb,
        "runtime": lambda wildcards, attempt: need(wildcards, attempt).runtime,
        "gpu": lambda wildcards, attempt: need(wildcards, attempt).gpus or None,
    }


def get_processes(wildcards):
    """Training processes of a cell."""
    return get_study(wildcards).training.processes


def get_launcher(wildcards):
    """What starts a training job: Python itself, or accelerate, on all nodes of the job, where the study asks for DeepSpeed."""
    training = get_study(wildcards).training
    if training.deepspeed is None:
        return "python"
    return f"python -m execution.launch --processes {training.processes} --deepspeed {training.deepspeed}"


def get_sharding(wildcards):
    """Hash of the DeepSpeed file that a cell is launched with."""
    name = get_study(wildcards).training.deepspeed
    return hash_deepspeed_file(Path(workflow.basedir, "deepspeed", f"{name}.json")) if name else ""


def get_cell_settings(wildcards):
    """The part of the study that decides a cell's weights, as JSON."""
    study = get_study(wildcards)
    path = f"{wildcards.objective}/{wildcards.setting}/seed~{wildcards.seed}"
    # The slower look-up knows the nearest cell and says it.
    cell = CELLS[wildcards.study].get(path) or get_cell(study, path)
    return json.dumps(identity.get_training_settings(study, cell), sort_keys=True)


def get_trained_paths(study):
    """Paths of the cells that a study trains, aliases left out."""
    return [path for path in CELLS[study] if path not in ALIASES[study]]


def collect_cell_files(file):
    """An input function: this file of every cell that a study trains."""
    return lambda wildcards: [
        f"results/{wildcards.study}/cells/{path}/{file}" for path in get_trained_paths(wildcards.study)
    ]


def collect_learned_logs(wildcards):
    """The training logs of the cells that learn a parameter of their loss."""
    return [
        f"results/{wildcards.study}/cells/{path}/training.jsonl"
        for path in get_trained_paths(wildcards.study)
        if CATALOGUE[CELLS[wildcards.study][path].objective].learned
    ]


def get_runs(study):
    """The SFT model and every trained cell, as folders below a study's results."""
    return ["sft", *[f"cells/{path}" for path in get_trained_paths(study)]]


@cache
def get_shards(study):
    """The runs of every judging job."""
    return list_shards(STUDIES[study], get_runs(study))


@cache
def get_shard_of(study):
    """The judging job of every run, by the run's folder."""
    return {run: shard for shard, runs in enumerate(get_shards(study)) for run in runs}


def get_shard_runs(wildcards):
    """The runs of one judging job."""
    return get_shards(wildcards.study)[int(wildcards.shard)]


def get_shard_responses(wildcards):
    """The responses of a shard's runs, and those of the SFT model where it is the opponent."""
    runs = dict.fromkeys(get_shard_runs(wildcards))
    if get_study(wildcards).is_compared_with_sft(wildcards.evaluation):
        runs["sft"] = None
    return [f"results/{wildcards.study}/{run}/responses/judged.jsonl" for run in runs]


def get_judged_run(wildcards):
    """The run that was judged for a run: itself, and for an alias the trained cell that it stands for."""
    path = wildcards.run.removeprefix("cells/")
    if wildcards.run != "sft" and path not in CELLS[wildcards.study]:
        # The slower look-up knows the nearest cell and says it.
        get_cell(get_study(wildcards), path)
    alias = ALIASES[wildcards.study].get(path)
    return f"cells/{alias}" if alias else wildcards.run


def get_judgments(wildcards):
    """The judgments of the shard that a run belongs to."""
    shard = get_shard_of(wildcards.study)[get_judged_run(wildcards)]
    return f"results/{wildcards.study}/judgments/{wildcards.evaluation}/shard~{shard}.jsonl"


def get_judge_pattern(local):
    """A regular expression for the studies whose judge is asked from the login node, or for all others."""
    choice = config.get("api_judging", "local")
    if choice not in ("local", "node"):
        raise WorkflowError(f"config.yaml: api_judging: {choice}: unknown choice; known: local, node")
    asked = {name for name, study in STUDIES.items() if study.judge and study.judge.base_url}
    chosen = asked if choice == "local" else set()
    return "|".join(chosen if local else STUDIES.keys() - chosen) or "(?!)"


def get_judge_environment(wildcards):
    """Where a study's judge is asked: beside vLLM, if the job serves it on GPUs, and else with the client alone."""
    return "../envs/serve.yaml" if get_study(wildcards).judge.gpus else "../envs/judge.yaml"


def get_judging_settings(wildcards):
    """What decides the judgments of an evaluation, as JSON."""
    settings = identity.get_judging_settings(get_study(wildcards), wildcards.evaluation)
    return json.dumps(settings, sort_keys=True)


def get_judge(wildcards):
    """What tables and figures say of the judge beside its judgments, as JSON."""
    judge = get_study(wildcards).judge
    return json.dumps([judge.model, judge.get_server(), judge.date])


def get_prompts(wildcards):
    """The folder of the prompts that a judge will see, for studies with a judge."""
    return f"results/{wildcards.study}/prompts" if get_study(wildcards).judge else []


def get_prompts_option(wildcards):
    """The option that names that folder."""
    return f"--prompts {get_prompts(wildcards)}" if get_study(wildcards).judge else ""


def get_judged_prompts(wildcards):
    """The prompts that a judge will see, where the study's pairs are checked against them."""
    return get_prompts(wildcards) if get_study(wildcards).world.kind == "hub" else []


def get_judged_prompts_option(wildcards):
    """The option that names that folder."""
    prompts = get_judged_prompts(wildcards)
    return f"--prompts {prompts}" if prompts else ""


def get_hub_pattern():
    """A regular expression for the studies that need something of the hub."""
    return "|".join(sorted(name for name, study in STUDIES.items() if study.list_repositories())) or "(?!)"


def get_repositories(wildcards):
    """What a study names of the hub, as JSON: another name or revision is fetched and locked anew."""
    study = get_study(wildcards)
    named = [
        [kind, each.name, each.revision, getattr(each, "config", None)]
        for kind, each in study.list_repositories().values()
    ]
    return json.dumps([named, study.list_splits()])


def get_classified_pattern(classified):
    """A regular expression for the studies whose reward a model computes, or for all others."""
    chosen = {name for name, study in STUDIES.items() if getattr(study.world, "reward", None)}
    return "|".join(sorted(chosen if classified else STUDIES.keys() - chosen)) or "(?!)"


def get_mt_bench_files(wildcards):
    """The files of MT-Bench's questions that the study names, if it does."""
    mt_bench = get_study(wildcards).mt_bench
    if mt_bench is None or mt_bench.folder is None:
        return []
    files = [
        f"{mt_bench.folder}/{name}"
        for name in ("question.jsonl", "reference_answer.jsonl", "judge_prompts.jsonl")
    ]
    missing = [file for file in files if not os.path.isfile(file)]
    if missing:
        raise WorkflowError(
            f"studies/{wildcards.study}.yaml: mt_bench.folder: {missing[0]}: no such file; put FastChat's files there "
            "or correct the path"
        )
    return files


def get_alpaca_eval_file(key):
    """An input function: a file of AlpacaEval's that the study names, if it does."""

    def collect(wildcards):
        alpaca_eval = get_study(wildcards).alpaca_eval
        file = alpaca_eval and getattr(alpaca_eval, key)
        # Snakemake would take what was made from another file for finished; what `prepare` fetches may be missing.
        if file and not os.path.isfile(file) and not file.startswith("downloads/alpaca_eval/"):
            raise WorkflowError(
                f"studies/{wildcards.study}.yaml: alpaca_eval.{key}: {file}: no such file; put AlpacaEval's file there "
                "or correct the path"
            )
        return file or []

    return collect


def get_judge_card_files(wildcards):
    """The files of stored judgments that a study's judge card names."""
    card = get_study(wildcards).judge_card
    if card is None:
        raise WorkflowError(
            f"studies/{wildcards.study}.yaml: has no judge_card; add one, or ask for another file"
        )
    for key, file in card.get_files().items():
        # Snakemake would take what was made from another file for finished.
        if not os.path.isfile(file):
            raise WorkflowError(
                f"studies/{wildcards.study}.yaml: judge_card.{key}: {file}: no such file; put the stored judgments "
                "there (docs/judge-card.md says where they are) or correct the path"
            )
    return list(card.get_files().values())


def get_judge_card(wildcards):
    """What the judge said for its card, for studies with one."""
    return f"results/{wildcards.study}/judge_card/judgments.jsonl" if get_study(wildcards).judge_card else []


def collect_scores(evaluation):
    """An input function: one evaluation's scores of every run."""
    return lambda wildcards: [
        f"results/{wildcards.study}/{run}/scores/{evaluation}.jsonl" for run in get_runs(wildcards.study)
    ]


def collect_all_scores(wildcards):
    """The scores of every run in every evaluation by the judge."""
    evaluations = get_study(wildcards).get_evaluations()
    return [file for evaluation in evaluations for file in collect_scores(evaluation)(wildcards)]


def get_metric_files(wildcards):
    """What differences between cells are computed from: the scores of every run, and win rates by question."""
    study = get_study(wildcards)
    runs = get_runs(wildcards.study)
    files = [f"results/{wildcards.study}/{run}/scores/frontier.jsonl" for run in runs]
    files += [
        file
        for evaluation in study.get_evaluations()
        if evaluation != "alpaca_eval"
        for file in collect_scores(evaluation)(wildcards)
    ]
    if study.alpaca_eval:
        files.append(f"results/{wildcards.study}/tables/alpaca_eval_questions.csv")
    return files


def get_metrics(wildcards):
    """What the study measures of every run."""
    return get_evaluated_metrics(get_study(wildcards).model_dump())


def get_quality(wildcards):
    """By what the study ranks its runs, and what it calls its reward, as JSON."""
    reward = describe_reward(get_study(wildcards))
    return json.dumps([choose_primary_metric(get_metrics(wildcards)), reward and [reward.name, reward.unit]])


def get_primary_files(wildcards):
    """What the primary metric of a study without a reward is read from."""
    evaluation = get_primary_evaluation(get_study(wildcards).model_dump())
    if evaluation is None:
        return []
    if evaluation == "alpaca_eval":
        return [f"results/{wildcards.study}/tables/alpaca_eval_questions.csv"]
    return collect_scores(evaluation)(wildcards)


def get_run_list(wildcards):
    """What tables of judged scores call the runs, as JSON."""
    return json.dumps(get_run_names(get_study(wildcards)))


def get_title(wildcards):
    """The study's title, as figures show it."""
    return get_study(wildcards).title


def get_claims(wildcards):
    """The study's claims, as JSON."""
    return json.dumps([claim.model_dump(mode="json") for claim in get_study(wildcards).claims])


def get_cell_list(wildcards):
    """The study's cells as the tables show them: paths, titles, labels and aliases, as JSON."""
    aliases = ALIASES[wildcards.study]
    return json.dumps(
        [
            [path, CATALOGUE[cell.objective].title, cell.label, aliases.get(path, "")]
            for path, cell in CELLS[wildcards.study].items()
        ]
    )


def get_unkept_pattern():
    """A regular expression for the studies that keep no policies."""
    return "|".join(name for name, study in STUDIES.items() if study.keep_policy == "none") or "(?!)"


def get_alias_pattern():
    """A regular expression for the folders of all cells that are aliases of another cell."""
    folders = [f"{name}/cells/{path}" for name, aliases in ALIASES.items() for path in aliases]
    return "|".join(map(re.escape, folders)) or "(?!)"


def get_canonical_folder(wildcards):
    """The folder of the trained cell that an alias stands for."""
    name, _, path = wildcards.alias.partition("/cells/")
    return f"results/{name}/cells/{ALIASES[name][path]}"


def get_canonical_files(wildcards):
    """The files of the trained cell that an alias stands for."""
    folder = get_canonical_folder(wildcards)
    return [f"{folder}/policy", *[f"{folder}/{file}" for file in CELL_FILES]]


def get_shared_files(study):
    """What a study makes once for all its cells, and the judgments of their shards."""
    evaluations = STUDIES[study].get_evaluations()
    return [
        *[f"results/{study}/{name}" for name in ("corpus", "sft/policy", "pairs", "reference")],
        *([f"results/{study}/prompts"] if evaluations else []),
        *([f"results/{study}/judge_card/judgments.jsonl"] if STUDIES[study].judge_card else []),
        *[
            f"results/{study}/judgments/{evaluation}/shard~{shard}.jsonl"
            for evaluation in evaluations
            for shard in range(len(get_shards(study)))
        ],
    ]


def get_prepared_files():
    """What `prepare` makes for the studies that config.yaml names: environments, models and data, public prompts."""
    environments = sorted(path.stem for path in Path(workflow.basedir, "envs").glob("*.yaml"))
    # vLLM's, of several gigabytes, for those alone who serve a judge with it.
    if not any(STUDIES[study].judge and STUDIES[study].judge.gpus for study in BUILT):
        environments.remove("serve")
    # Posts of the hub are read from what was fetched, once that is locked, and need no network.
    judged = [
        study
        for study in BUILT
        if STUDIES[study].get_evaluations() and not getattr(STUDIES[study].world, "summaries", None)
    ]
    fetched = [study for study in BUILT if STUDIES[study].list_repositories()]
    cards = [study for study in BUILT if STUDIES[study].judge_card]
    compared = [STUDIES[study].alpaca_eval for study in BUILT if STUDIES[study].alpaca_eval]
    return [
        *[each.difficulties for each in compared if each.difficulties],
        *[f"downloads/repositories/{study}.txt" for study in fetched],
        *[f"downloads/environments/{environment}.txt" for environment in environments],
        *[f"results/{study}/prompts" for study in judged],
        *[f"results/{study}/judge_card/sample.json" for study in cards],
    ]


def get_run_files(study):
    """What a study keeps of each of its runs, the policies left out: they may be removed to save space."""
    scores = [f"scores/{evaluation}.jsonl" for evaluation in STUDIES[study].get_evaluations()]
    return [
        f"results/{study}/{run}/{file}"
        for run in get_runs(study)
        for file in (*(RUN_FILES if run == "sft" else CELL_FILES), *scores)
    ]


def get_all_targets():
    """What `rule all` asks of the studies that config.yaml names.

    All that is made, not only the last files: a job that fails takes its outputs with it, and where they are no
    targets, the older files that were made from them would pass for finished.
    """
    documents = [file for study in BUILT for file in get_documents(study)]
    shared = [file for study in BUILT for file in get_shared_files(study)]
    runs = [file for study in BUILT for file in get_run_files(study)]
    return documents + shared + runs


def get_warnings():
    """What can be said against the studies that are built before anything is trained."""
    built = [STUDIES[name] for name in BUILT]
    describe = (describe_starts, describe_missing_key, describe_missing_lock)
    return [line for study in built for each in describe for line in each(study)]


def describe_missing_lock(study):
    """A line where the study's lock does not hold what it needs of the hub."""
    unlocked = study.find_unlocked()
    if not unlocked:
        return []
    return [
        f"study {study.name}: studies/{study.name}.lock.yaml does not hold {', '.join(unlocked)}: jobs will fail at "
        "their first step; run `snakemake prepare` where there is a network, before"
    ]


def describe_missing_key(study):
    """A line where the key of a study's judge is not in the environment."""
    variable = study.judge and study.judge.key_variable
    if not variable or os.environ.get(variable):
        return []
    return [
        f"study {study.name}: the variable that judge.key_variable names is not set: judging will fail before its "
        "first call; export it"
    ]


def get_error_message(logs):
    """What to do after a failure."""
    return (
        "Some jobs failed; finished cells are kept. The same command reruns only what failed. "
        f"Log: {', '.join(map(str, logs))}"
    )
