rule train_cell:
    input:
        policy="results/{study}/sft/policy",
        reference="results/{study}/reference",
    output:
        policy=directory("results/{study}/cells/{objective}/{setting}/seed~{seed}/policy"),
        training_log="results/{study}/cells/{objective}/{setting}/seed~{seed}/training.jsonl",
        health="results/{study}/cells/{objective}/{setting}/seed~{seed}/health.json",
    log:
        "results/{study}/logs/train_cell/{objective}/{setting}/seed~{seed}.log",
    benchmark:
        "results/{study}/benchmarks/train_cell/{objective}/{setting}/seed~{seed}.tsv"
    conda:
        "../envs/train.yaml"
    threads: get_processes
    resources:
        **get_resources("train_cell"),
    params:
        study="studies/{study}.yaml",
        cell="{objective}/{setting}/seed~{seed}",
        launcher=get_launcher,
        # Outside the outputs, which Snakemake deletes when a job fails.
        checkpoints="results/{study}/cells/{objective}/{setting}/seed~{seed}/checkpoints",
        settings=get_cell_settings,
        sharding=get_sharding,
        code=get_cell_code,
    message:
        "{wildcards.study}: training {params.cell}"
    shell:
        "{params.launcher} workflow_scripts/train_cell.py --study {params.study} --cell {params.cell} "
        "--model {input.policy} --reference {input.reference} --policy {output.policy} "
        "--training-log {output.training_log} --health {output.health} "
        "--checkpoints {params.checkpoints} > {log} 2>&1"


# The same, for studies that keep no policies: Snakemake removes them when every job that needs them is done.
use rule train_cell as train_unkept_cell with:
    output:
        policy=temp(directory("results/{study}/cells/{objective}/{setting}/seed~{seed}/policy")),
        training_log="results/{study}/cells/{objective}/{setting}/seed~{seed}/training.jsonl",
        health="results/{study}/cells/{objective}/{setting}/seed~{seed}/health.json",
    wildcard_constraints:
        study=get_unkept_pattern(),


rule adopt_cell:
    input:
        get_canonical_files,
    output:
        policy=directory("results/{alias}/policy"),
        files=[f"results/{{alias}}/{file}" for file in CELL_FILES],
    log:
        "results/{alias}/adopt_cell.log",
    wildcard_constraints:
        alias=get_alias_pattern(),
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("adopt_cell"),
    params:
        canonical=get_canonical_folder,
        files=" ".join(["policy", *CELL_FILES]),
    message:
        "{wildcards.alias} is the same function as a trained cell: linking its results"
    shell:
        "python workflow_scripts/adopt_cell.py --canonical {params.canonical} "
        "--alias results/{wildcards.alias} --files {params.files} > {log} 2>&1"


ruleorder: adopt_cell > train_unkept_cell > train_cell
ruleorder: adopt_cell > generate_responses
ruleorder: adopt_cell > score_frontier
ruleorder: adopt_cell > score_by_classifier
