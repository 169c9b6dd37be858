"""lossgrid: studies of language-model training losses, from data to figures, as one DAG.

A study is a file in studies/; `rule all` builds those that config.yaml names, and a target's path alone
chooses any other: snakemake --profile profiles/local results/mini/figures/frontier.pdf
"""

from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/publishing.smk"
include: "rules/environments.smk"
include: "rules/audit.smk"
include: "rules/hub.smk"
include: "rules/data.smk"
include: "rules/reference.smk"
include: "rules/data_card.smk"
include: "rules/train.smk"
include: "rules/generate.smk"
include: "rules/frontier.smk"
include: "rules/judging.smk"
include: "rules/judge_card.smk"
include: "rules/tables.smk"
include: "rules/claims.smk"
include: "rules/cards.smk"
include: "rules/figures.smk"
include: "rules/judged_figures.smk"
include: "rules/report.smk"


wildcard_constraints:
    study="|".join(STUDIES),
    objective=r"\w+",
    setting=r"[A-Za-z0-9._~-]{1,120}",
    seed=r"\d+",
    shard=r"\d+",
    evaluation="mt_bench|alpaca_eval|summaries",
    environment=r"\w+",
    run=r"sft|cells/\w+/[A-Za-z0-9._~-]{1,120}/seed~\d+",


# Stay on the login node of a cluster: what takes a tenth of a second, less than a place in the queue, and what may
# need a network.
localrules:
    all,
    prepare,
    adopt_cell,
    judge_by_api,
    score_frontier,
    score_judgments,


rule all:
    default_target: True
    input:
        get_all_targets(),
    message:
        "everything is there"


# What needs a network, done once where there is one: `snakemake --profile slurm prepare` on the login node.
rule prepare:
    input:
        get_prepared_files(),
    message:
        "what needs a network is there"


# Before anything is trained, and in a dry run too; the jobs, which parse this file again, stay silent.
if workflow.is_main_process:
    for line in get_warnings():
        logger.warning(f"warning: {line}")


# Nothing that an earlier main process left behind is done twice, and on a cluster every job gets its place.
WATCH = JobWatch(start_process(workflow, get_need, config.get("orphans", "wait")))

# Trainings read it from here: as a parameter of their rule, another tracker would train every cell again.
os.environ[CHOICE] = get_tracker()


onstart:
    WATCH.begin(workflow)


onsuccess:
    WATCH.end(success=True)
    for study in BUILT:
        remove_policies(STUDIES[study], Path("results", study))
    print("Done. Open " + " and ".join(f"results/{study}/report/index.html" for study in BUILT) + ".")


onerror:
    WATCH.end(success=False)
    print(get_error_message(log))
