rule make_report:
    input:
        tables=collect_tables(REPORT_TABLES),
        logs=collect_cell_files("training.jsonl"),
        scores=collect_all_scores,
    output:
        page=report(
            "results/{study}/report/index.html",
            caption="../report/report.rst",
            category="{study}",
            subcategory="pages",
            labels={"what": "the report as one page"},
        ),
    log:
        "results/{study}/logs/make_report.log",
    benchmark:
        "results/{study}/benchmarks/make_report.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("make_report"),
    params:
        study="studies/{study}.yaml",
        settings=get_settings("report"),
        code=get_page_code("page", "make_report"),
    message:
        "{wildcards.study}: making the report"
    shell:
        "python workflow_scripts/make_report.py --study {params.study} --results results/{wildcards.study} "
        "--lock requirements.lock --template report/page/report.html --page {output.page} > {log} 2>&1"


rule make_explorer:
    input:
        logs=collect_cell_files("training.jsonl"),
    output:
        page=report(
            "results/{study}/report/explorer.html",
            caption="../report/explorer.rst",
            category="{study}",
            subcategory="pages",
            labels={"what": "the loss explorer"},
        ),
    log:
        "results/{study}/logs/make_explorer.log",
    benchmark:
        "results/{study}/benchmarks/make_explorer.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("make_explorer"),
    params:
        study="studies/{study}.yaml",
        title=get_title,
        cells=get_cell_list,
        code=get_explorer_code(),
    message:
        "{wildcards.study}: making the loss explorer"
    shell:
        "python workflow_scripts/make_explorer.py --study {params.study} --results results/{wildcards.study} "
        "--template report/explorer/explorer.html --page {output.page} > {log} 2>&1"
