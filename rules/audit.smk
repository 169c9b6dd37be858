rule audit_objectives:
    output:
        audit=report(
            "results/{study}/tables/audit.csv",
            caption="../report/audit.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "audit of the losses"},
        ),
        shapes="results/{study}/tables/shapes.csv",
    log:
        "results/{study}/logs/audit_objectives.log",
    benchmark:
        "results/{study}/benchmarks/audit_objectives.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("audit_objectives"),
    params:
        study="studies/{study}.yaml",
        settings=get_settings("audit"),
        code=get_audit_code,
    message:
        "{wildcards.study}: auditing the losses"
    shell:
        "python workflow_scripts/audit_objectives.py --study {params.study} --audit {output.audit} "
        "--shapes {output.shapes} > {log} 2>&1"


rule plot_loss_shapes:
    input:
        shapes="results/{study}/tables/shapes.csv",
    output:
        figures=[
            "results/{study}/figures/loss_shapes.pdf",
            "results/{study}/figures/loss_shapes.png",
            report(
                "results/{study}/figures/loss_shapes.svg",
                caption="../report/loss_shapes.rst",
                category="{study}",
                subcategory="figures",
                labels={"what": "shapes of the losses"},
            ),
        ],
        caption="results/{study}/figures/loss_shapes.tex",
    log:
        "results/{study}/logs/plot_loss_shapes.log",
    benchmark:
        "results/{study}/benchmarks/plot_loss_shapes.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("plot_loss_shapes"),
    params:
        study="studies/{study}.yaml",
        title=get_title,
        code=get_code("plot_loss_shapes"),
    message:
        "{wildcards.study}: drawing the shapes of the losses"
    shell:
        "python workflow_scripts/plot_loss_shapes.py --study {params.study} --shapes {input.shapes} "
        "--figures {output.figures} --caption {output.caption} > {log} 2>&1"


rule compare_predictions:
    input:
        audit="results/{study}/tables/audit.csv",
        cells="results/{study}/tables/cells.csv",
        logs=collect_cell_files("training.jsonl"),
    output:
        predictions=report(
            "results/{study}/tables/predictions.csv",
            caption="../report/predictions.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "audit beside outcome"},
        ),
    log:
        "results/{study}/logs/compare_predictions.log",
    benchmark:
        "results/{study}/benchmarks/compare_predictions.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("compare_predictions"),
    params:
        study="studies/{study}.yaml",
        quality=get_quality,
        code=get_code("compare_predictions"),
    message:
        "{wildcards.study}: setting the audit beside the outcome"
    shell:
        "python workflow_scripts/compare_predictions.py --study {params.study} --audit {input.audit} "
        "--cells {input.cells} --results results/{wildcards.study} --predictions {output.predictions} > {log} 2>&1"
