rule plot_mt_bench:
    input:
        cells="results/{study}/tables/cells.csv",
        scores="results/{study}/tables/mt_bench.csv",
    output:
        figures=[
            "results/{study}/figures/mt_bench.pdf",
            "results/{study}/figures/mt_bench.png",
            report(
                "results/{study}/figures/mt_bench.svg",
                caption="../report/mt_bench.rst",
                category="{study}",
                subcategory="figures",
                labels={"what": "MT-Bench"},
            ),
        ],
        caption="results/{study}/figures/mt_bench.tex",
    log:
        "results/{study}/logs/plot_mt_bench.log",
    benchmark:
        "results/{study}/benchmarks/plot_mt_bench.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("plot_mt_bench"),
    params:
        study="studies/{study}.yaml",
        title=get_title,
        published=get_published,
        judge=get_judge,
        code=get_code("plot_mt_bench"),
    message:
        "{wildcards.study}: drawing MT-Bench scores"
    shell:
        "python workflow_scripts/plot_mt_bench.py --study {params.study} --cells {input.cells} --table {input.scores} "
        "--figures {output.figures} --caption {output.caption} > {log} 2>&1"


rule plot_win_rates:
    input:
        cells="results/{study}/tables/cells.csv",
        leaderboard="results/{study}/tables/leaderboard.csv",
    output:
        figures=[
            "results/{study}/figures/win_rates.pdf",
            "results/{study}/figures/win_rates.png",
            report(
                "results/{study}/figures/win_rates.svg",
                caption="../report/win_rates.rst",
                category="{study}",
                subcategory="figures",
                labels={"what": "win rate against length"},
            ),
        ],
        caption="results/{study}/figures/win_rates.tex",
    log:
        "results/{study}/logs/plot_win_rates.log",
    benchmark:
        "results/{study}/benchmarks/plot_win_rates.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("plot_win_rates"),
    params:
        study="studies/{study}.yaml",
        title=get_title,
        published=get_published,
        judge=get_judge,
        code=get_code("plot_win_rates"),
    message:
        "{wildcards.study}: drawing win rates against length"
    shell:
        "python workflow_scripts/plot_win_rates.py --study {params.study} --cells {input.cells} --table {input.leaderboard} "
        "--figures {output.figures} --caption {output.caption} > {log} 2>&1"


rule plot_differences:
    input:
        cells="results/{study}/tables/cells.csv",
        comparisons="results/{study}/tables/comparisons.csv",
    output:
        figures=[
            "results/{study}/figures/differences.pdf",
            "results/{study}/figures/differences.png",
            report(
                "results/{study}/figures/differences.svg",
                caption="../report/differences.rst",
                category="{study}",
                subcategory="figures",
                labels={"what": "paired differences"},
            ),
        ],
        caption="results/{study}/figures/differences.tex",
    log:
        "results/{study}/logs/plot_differences.log",
    benchmark:
        "results/{study}/benchmarks/plot_differences.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("plot_differences"),
    params:
        study="studies/{study}.yaml",
        title=get_title,
        quality=get_quality,
        code=get_code("plot_differences"),
    message:
        "{wildcards.study}: drawing paired differences"
    shell:
        "python workflow_scripts/plot_differences.py --study {params.study} --cells {input.cells} --table {input.comparisons} "
        "--figures {output.figures} --caption {output.caption} > {log} 2>&1"
