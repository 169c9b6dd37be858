rule evaluate_claims:
    input:
        cells="results/{study}/tables/cells.csv",
        scores=get_metric_files,
    output:
        claims=report(
            "results/{study}/tables/claims.csv",
            caption="../report/claims.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "claims and verdicts"},
        ),
    log:
        "results/{study}/logs/evaluate_claims.log",
    benchmark:
        "results/{study}/benchmarks/evaluate_claims.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("evaluate_claims"),
    params:
        study="studies/{study}.yaml",
        claims=get_claims,
        quality=get_quality,
        code=get_code("evaluate_claims"),
    message:
        "{wildcards.study}: weighing the claims"
    shell:
        "python workflow_scripts/evaluate_claims.py --study {params.study} --results results/{wildcards.study} "
        "--cells {input.cells} --claims {output.claims} > {log} 2>&1"
