rule collect_mt_bench:
    input:
        scores=collect_scores("mt_bench"),
    output:
        table=report(
            "results/{study}/tables/mt_bench.csv",
            caption="../report/mt_bench.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "MT-Bench by category and turn"},
        ),
    log:
        "results/{study}/logs/collect_mt_bench.log",
    benchmark:
        "results/{study}/benchmarks/collect_mt_bench.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("collect_mt_bench"),
    params:
        study="studies/{study}.yaml",
        names=get_run_list,
        code=get_code("collect_mt_bench"),
    message:
        "{wildcards.study}: gathering MT-Bench scores"
    shell:
        "python workflow_scripts/collect_mt_bench.py --study {params.study} --results results/{wildcards.study} "
        "--table {output.table} > {log} 2>&1"


rule collect_leaderboard:
    input:
        scores=collect_scores("alpaca_eval"),
        difficulties=get_alpaca_eval_file("difficulties"),
    output:
        leaderboard=report(
            "results/{study}/tables/leaderboard.csv",
            caption="../report/leaderboard.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "AlpacaEval leaderboard"},
        ),
        questions="results/{study}/tables/alpaca_eval_questions.csv",
    log:
        "results/{study}/logs/collect_leaderboard.log",
    benchmark:
        "results/{study}/benchmarks/collect_leaderboard.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("collect_leaderboard"),
    params:
        study="studies/{study}.yaml",
        names=get_run_list,
        settings=get_settings("length_control"),
        code=get_code("collect_leaderboard"),
    message:
        "{wildcards.study}: gathering win rates"
    shell:
        "python workflow_scripts/collect_leaderboard.py --study {params.study} --results results/{wildcards.study} "
        "--leaderboard {output.leaderboard} --questions {output.questions} > {log} 2>&1"


rule collect_summaries:
    input:
        scores=collect_scores("summaries"),
    output:
        table=report(
            "results/{study}/tables/summaries.csv",
            caption="../report/summaries.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "win rates of summaries"},
        ),
    log:
        "results/{study}/logs/collect_summaries.log",
    benchmark:
        "results/{study}/benchmarks/collect_summaries.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("collect_summaries"),
    params:
        study="studies/{study}.yaml",
        names=get_run_list,
        code=get_code("collect_summaries"),
    message:
        "{wildcards.study}: gathering win rates of summaries"
    shell:
        "python workflow_scripts/collect_summaries.py --study {params.study} --results results/{wildcards.study} "
        "--table {output.table} > {log} 2>&1"


rule collect_judge:
    input:
        scores=collect_all_scores,
        card=get_judge_card,
    output:
        table=report(
            "results/{study}/tables/judge.csv",
            caption="../report/judge.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "the judge"},
        ),
        costs=report(
            "results/{study}/tables/judge_costs.csv",
            caption="../report/judge_costs.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "what judging took"},
        ),
    log:
        "results/{study}/logs/collect_judge.log",
    benchmark:
        "results/{study}/benchmarks/collect_judge.tsv"
    conda:
        "../envs/judge.yaml"
    threads: 1
    resources:
        **get_resources("collect_judge"),
    params:
        study="studies/{study}.yaml",
        judge=get_judge,
        code=get_code("collect_judge"),
    message:
        "{wildcards.study}: describing the judge"
    shell:
        "python workflow_scripts/collect_judge.py --study {params.study} --results results/{wildcards.study} "
        "--table {output.table} --costs {output.costs} > {log} 2>&1"


rule compare_cells:
    input:
        cells="results/{study}/tables/cells.csv",
        scores=get_metric_files,
    output:
        comparisons=report(
            "results/{study}/tables/comparisons.csv",
            caption="../report/differences.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "table of paired differences"},
        ),
    log:
        "results/{study}/logs/compare_cells.log",
    benchmark:
        "results/{study}/benchmarks/compare_cells.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("compare_cells"),
    params:
        study="studies/{study}.yaml",
        metrics=get_metrics,
        code=get_code("compare_cells"),
    message:
        "{wildcards.study}: comparing every setting with the baseline"
    shell:
        "python workflow_scripts/compare_cells.py --study {params.study} --results results/{wildcards.study} "
        "--cells {input.cells} --comparisons {output.comparisons} > {log} 2>&1"


rule write_numbers:
    input:
        tables=collect_tables(QUOTED_TABLES),
    output:
        numbers="results/{study}/tables/numbers.tex",
    log:
        "results/{study}/logs/write_numbers.log",
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("write_numbers"),
    params:
        study="studies/{study}.yaml",
        code=get_code("write_numbers"),
    message:
        "{wildcards.study}: writing the numbers that a text may quote"
    shell:
        "python workflow_scripts/write_numbers.py --study {params.study} --tables {input.tables} "
        "--numbers {output.numbers} > {log} 2>&1"
