rule compute_reference_logps:
    input:
        pairs="results/{study}/pairs",
        policy="results/{study}/sft/policy",
    output:
        reference=directory("results/{study}/reference"),
    log:
        "results/{study}/logs/compute_reference_logps.log",
    benchmark:
        "results/{study}/benchmarks/compute_reference_logps.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("compute_reference_logps"),
    params:
        study="studies/{study}.yaml",
        settings=get_settings("reference"),
        code=get_code("compute_reference_logps"),
    message:
        "{wildcards.study}: tokenising the pairs and weighing them by the reference"
    shell:
        "python workflow_scripts/compute_reference_logps.py --study {params.study} --pairs {input.pairs} "
        "--policy {input.policy} --reference {output.reference} > {log} 2>&1"
