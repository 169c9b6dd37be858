localrules:
    figures,


# All that a paper takes: `snakemake figures`. Nothing else of the studies is made anew.
rule figures:
    input:
        get_paper_files(),
    message:
        "the figures, their captions and the numbers are there"


rule collect_results:
    input:
        sft="results/{study}/sft/scores/frontier.jsonl",
        health=collect_cell_files("health.json"),
        scores=collect_cell_files("scores/frontier.jsonl"),
        primary=get_primary_files,
    output:
        cells=report(
            "results/{study}/tables/cells.csv",
            caption="../report/cells.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "table of cells"},
        ),
    log:
        "results/{study}/logs/collect_results.log",
    benchmark:
        "results/{study}/benchmarks/collect_results.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("collect_results"),
    params:
        study="studies/{study}.yaml",
        cells=get_cell_list,
        quality=get_quality,
        code=get_code("collect_results"),
    message:
        "{wildcards.study}: gathering the cells"
    shell:
        "python workflow_scripts/collect_results.py --study {params.study} --results results/{wildcards.study} "
        "--cells {output.cells} > {log} 2>&1"


rule collect_costs:
    input:
        cells="results/{study}/tables/cells.csv",
        scores=collect_all_scores,
        card=get_judge_card,
    output:
        costs=report(
            "results/{study}/tables/costs.csv",
            caption="../report/costs.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "table of costs"},
        ),
    log:
        "results/{study}/logs/collect_costs.log",
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("collect_costs"),
    params:
        benchmarks="results/{study}/benchmarks",
        code=get_code("collect_costs"),
    message:
        "{wildcards.study}: gathering what the jobs took"
    shell:
        "python workflow_scripts/collect_costs.py --benchmarks {params.benchmarks} --costs {output.costs} "
        "> {log} 2>&1"


rule plot_frontier:
    input:
        cells="results/{study}/tables/cells.csv",
        published=get_published_frontier,
    output:
        figures=[
            "results/{study}/figures/frontier.pdf",
            "results/{study}/figures/frontier.png",
            report(
                "results/{study}/figures/frontier.svg",
                caption="../report/frontier.rst",
                category="{study}",
                subcategory="figures",
                labels={"what": "reward–KL frontier"},
            ),
        ],
        caption="results/{study}/figures/frontier.tex",
    log:
        "results/{study}/logs/plot_frontier.log",
    benchmark:
        "results/{study}/benchmarks/plot_frontier.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("plot_frontier"),
    params:
        study="studies/{study}.yaml",
        title=get_title,
        published=get_published,
        quality=get_quality,
        code=get_code("plot_frontier"),
    message:
        "{wildcards.study}: drawing the reward–KL frontier"
    shell:
        "python workflow_scripts/plot_frontier.py --study {params.study} --cells {input.cells} "
        "--figures {output.figures} --caption {output.caption} > {log} 2>&1"


rule plot_plane:
    input:
        cells="results/{study}/tables/cells.csv",
    output:
        figures=[
            "results/{study}/figures/plane.pdf",
            "results/{study}/figures/plane.png",
            report(
                "results/{study}/figures/plane.svg",
                caption="../report/plane.rst",
                category="{study}",
                subcategory="figures",
                labels={"what": "β_kl × β_mix plane"},
            ),
        ],
        caption="results/{study}/figures/plane.tex",
    log:
        "results/{study}/logs/plot_plane.log",
    benchmark:
        "results/{study}/benchmarks/plot_plane.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("plot_plane"),
    params:
        study="studies/{study}.yaml",
        title=get_title,
        quality=get_quality,
        code=get_code("plot_plane"),
    message:
        "{wildcards.study}: drawing the β_kl × β_mix plane"
    shell:
        "python workflow_scripts/plot_plane.py --study {params.study} --cells {input.cells} "
        "--figures {output.figures} --caption {output.caption} > {log} 2>&1"


rule plot_training_curves:
    input:
        cells="results/{study}/tables/cells.csv",
        logs=collect_cell_files("training.jsonl"),
    output:
        figures=[
            "results/{study}/figures/training_curves.pdf",
            "results/{study}/figures/training_curves.png",
            report(
                "results/{study}/figures/training_curves.svg",
                caption="../report/training_curves.rst",
                category="{study}",
                subcategory="figures",
                labels={"what": "training curves"},
            ),
        ],
        caption="results/{study}/figures/training_curves.tex",
    log:
        "results/{study}/logs/plot_training_curves.log",
    benchmark:
        "results/{study}/benchmarks/plot_training_curves.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("plot_training_curves"),
    params:
        study="studies/{study}.yaml",
        title=get_title,
        code=get_code("plot_training_curves"),
    message:
        "{wildcards.study}: drawing the training curves"
    shell:
        "python workflow_scripts/plot_training_curves.py --study {params.study} --cells {input.cells} "
        "--results results/{wildcards.study} --figures {output.figures} --caption {output.caption} > {log} 2>&1"


rule plot_learned_mix:
    input:
        cells="results/{study}/tables/cells.csv",
        logs=collect_learned_logs,
    output:
        figures=[
            "results/{study}/figures/learned_mix.pdf",
            "results/{study}/figures/learned_mix.png",
            report(
                "results/{study}/figures/learned_mix.svg",
                caption="../report/learned_mix.rst",
                category="{study}",
                subcategory="figures",
                labels={"what": "learned mix"},
            ),
        ],
        caption="results/{study}/figures/learned_mix.tex",
    log:
        "results/{study}/logs/plot_learned_mix.log",
    benchmark:
        "results/{study}/benchmarks/plot_learned_mix.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("plot_learned_mix"),
    params:
        study="studies/{study}.yaml",
        title=get_title,
        code=get_code("plot_learned_mix"),
    message:
        "{wildcards.study}: drawing the way of the learned mix"
    shell:
        "python workflow_scripts/plot_learned_mix.py --study {params.study} --cells {input.cells} "
        "--results results/{wildcards.study} --figures {output.figures} --caption {output.caption} > {log} 2>&1"
