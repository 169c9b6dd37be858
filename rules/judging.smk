rule judge_responses:
    input:
        prompts="results/{study}/prompts",
        responses=get_shard_responses,
    output:
        judgments="results/{study}/judgments/{evaluation}/shard~{shard}.jsonl",
    log:
        "results/{study}/logs/judge_responses/{evaluation}/shard~{shard}.log",
    benchmark:
        "results/{study}/benchmarks/judge_responses/{evaluation}/shard~{shard}.tsv"
    wildcard_constraints:
        study=get_judge_pattern(local=False),
    conda:
        get_judge_environment
    threads: 1
    resources:
        **get_resources("judge_responses"),
    params:
        study="studies/{study}.yaml",
        runs=get_shard_runs,
        # Outside the outputs, which Snakemake deletes when a job fails: what was paid for is kept.
        ledger="results/{study}/ledgers/{evaluation}",
        server_log="results/{study}/logs/judge_responses/{evaluation}/shard~{shard}.server.log",
        settings=get_judging_settings,
        code=get_code("judge_responses"),
    message:
        "{wildcards.study}: judging shard {wildcards.shard} of {wildcards.evaluation}"
    shell:
        "python workflow_scripts/judge_responses.py --study {params.study} --evaluation {wildcards.evaluation} "
        "--runs {params.runs} --results results/{wildcards.study} --prompts {input.prompts} "
        "--ledger {params.ledger} --judgments {output.judgments} --server-log {params.server_log} > {log} 2>&1"


# Judges that are reached over the network, from the login node where config.yaml says so.
use rule judge_responses as judge_by_api with:
    wildcard_constraints:
        study=get_judge_pattern(local=True),


rule score_judgments:
    input:
        judgments=get_judgments,
    output:
        scores="results/{study}/{run}/scores/{evaluation}.jsonl",
    log:
        "results/{study}/logs/score_judgments/{run}/{evaluation}.log",
    conda:
        "../envs/judge.yaml"
    threads: 1
    resources:
        **get_resources("score_judgments"),
    params:
        run=get_judged_run,
        code=get_code("score_judgments"),
    message:
        "{wildcards.study}: {wildcards.evaluation} of {wildcards.run}"
    shell:
        "python workflow_scripts/score_judgments.py --judgments {input.judgments} --run {params.run} "
        "--scores {output.scores} > {log} 2>&1"
