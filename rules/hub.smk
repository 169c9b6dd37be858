localrules:
    fetch_alpaca_eval,
    fetch_repositories,


# Where there is a network: `snakemake prepare`. All other jobs are offline, and keep to the lock that this writes beside
# the study; it lies outside the outputs, which Snakemake deletes when a job fails or runs again.
rule fetch_repositories:
    output:
        record="downloads/repositories/{study}.txt",
    log:
        "downloads/logs/fetch_repositories/{study}.log",
    wildcard_constraints:
        study=get_hub_pattern(),
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("fetch_repositories"),
    params:
        study="studies/{study}.yaml",
        repositories=get_repositories,
    message:
        "{wildcards.study}: fetching models and data from the hub, which can take hours; see {log}"
    shell:
        "HF_HUB_OFFLINE=$LOSSGRID_HUB_OFFLINE python workflow_scripts/fetch_repositories.py --study {params.study} "
        "--record {output.record} > {log} 2>&1"


# The instructions with GPT-4's outputs, and the difficulties that the published win rates are controlled with.
rule fetch_alpaca_eval:
    output:
        file="downloads/alpaca_eval/{file}",
    log:
        "downloads/logs/fetch_alpaca_eval/{file}.log",
    wildcard_constraints:
        file=r"alpaca_eval_gpt4_baseline\.json|df_gamed\.csv",
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("fetch_repositories"),
    message:
        "fetching AlpacaEval's {wildcards.file}"
    shell:
        "HF_HUB_OFFLINE=$LOSSGRID_HUB_OFFLINE python workflow_scripts/fetch_alpaca_eval.py --file {output.file} "
        "> {log} 2>&1"
