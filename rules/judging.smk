rule judge_mt_bench:
    input:
        prompts="results/{study}/prompts",
        responses=get_shard_responses("mt_bench"),
    output:
        judgments="results/{study}/judgments/mt_bench/shard~{shard}.jsonl",
    log:
        "results/{study}/logs/judge_mt_bench/shard~{shard}.log",
    benchmark:
        "results/{study}/benchmarks/judge_mt_bench/shard~{shard}.tsv"
    conda:
        "../envs/judge.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        study="studies/{study}.yaml",
        runs=get_shard_runs,
        # Outside the outputs, which Snakemake deletes when a job fails: what was paid for is kept.
        ledger="results/{study}/ledgers/mt_bench",
        server_log="results/{study}/logs/judge_mt_bench/shard~{shard}.server.log",
        settings=get_judging_settings("mt_bench"),
        code=get_code("judge_mt_bench"),
    message:
        "{wildcards.study}: rating MT-Bench answers of shard {wildcards.shard}"
    shell:
        "python workflow_scripts/judge_mt_bench.py --study {params.study} --runs {params.runs} "
        "--results results/{wildcards.study} --prompts {input.prompts} --ledger {params.ledger} "
        "--judgments {output.judgments} --server-log {params.server_log} > {log} 2>&1"


rule annotate_alpaca_eval:
    input:
        prompts="results/{study}/prompts",
        responses=get_shard_responses("alpaca_eval"),
    output:
        judgments="results/{study}/judgments/alpaca_eval/shard~{shard}.jsonl",
    log:
        "results/{study}/logs/annotate_alpaca_eval/shard~{shard}.log",
    benchmark:
        "results/{study}/benchmarks/annotate_alpaca_eval/shard~{shard}.tsv"
    conda:
        "../envs/judge.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        study="studies/{study}.yaml",
        runs=get_shard_runs,
        # Outside the outputs, which Snakemake deletes when a job fails: what was paid for is kept.
        ledger="results/{study}/ledgers/alpaca_eval",
        server_log="results/{study}/logs/annotate_alpaca_eval/shard~{shard}.server.log",
        settings=get_judging_settings("alpaca_eval"),
        code=get_code("annotate_alpaca_eval"),
    message:
        "{wildcards.study}: comparing AlpacaEval answers of shard {wildcards.shard}"
    shell:
        "python workflow_scripts/annotate_alpaca_eval.py --study {params.study} --runs {params.runs} "
        "--results results/{wildcards.study} --prompts {input.prompts} --ledger {params.ledger} "
        "--judgments {output.judgments} --server-log {params.server_log} > {log} 2>&1"


rule judge_summaries:
    input:
        prompts="results/{study}/prompts",
        responses=get_shard_responses("summaries"),
    output:
        judgments="results/{study}/judgments/summaries/shard~{shard}.jsonl",
    log:
        "results/{study}/logs/judge_summaries/shard~{shard}.log",
    benchmark:
        "results/{study}/benchmarks/judge_summaries/shard~{shard}.tsv"
    conda:
        "../envs/judge.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        study="studies/{study}.yaml",
        runs=get_shard_runs,
        # Outside the outputs, which Snakemake deletes when a job fails: what was paid for is kept.
        ledger="results/{study}/ledgers/summaries",
        server_log="results/{study}/logs/judge_summaries/shard~{shard}.server.log",
        settings=get_judging_settings("summaries"),
        code=get_code("judge_summaries"),
    message:
        "{wildcards.study}: comparing summaries of shard {wildcards.shard}"
    shell:
        "python workflow_scripts/judge_summaries.py --study {params.study} --runs {params.runs} "
        "--results results/{wildcards.study} --prompts {input.prompts} --ledger {params.ledger} "
        "--judgments {output.judgments} --server-log {params.server_log} > {log} 2>&1"


rule score_judgments:
    input:
        judgments=get_judgments,
    output:
        scores="results/{study}/{run}/scores/{evaluation}.jsonl",
    log:
        "results/{study}/logs/score_judgments/{run}/{evaluation}.log",
    wildcard_constraints:
        evaluation="mt_bench|alpaca_eval|summaries",
    conda:
        "../envs/judge.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        run=get_judged_run,
        code=get_code("score_judgments"),
    message:
        "{wildcards.study}: {wildcards.evaluation} of {wildcards.run}"
    shell:
        "python workflow_scripts/score_judgments.py --judgments {input.judgments} --run {params.run} "
        "--scores {output.scores} > {log} 2>&1"
