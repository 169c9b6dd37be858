rule generate_responses:
    input:
        corpus="results/{study}/corpus",
        policy="results/{study}/{run}/policy",
        reference="results/{study}/sft/policy",
    output:
        heldout="results/{study}/{run}/responses/heldout.jsonl",
    log:
        "results/{study}/logs/generate_responses/{run}.log",
    benchmark:
        "results/{study}/benchmarks/generate_responses/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        study="studies/{study}.yaml",
        settings=get_settings("generation"),
        code=get_code("generate_responses"),
    message:
        "{wildcards.study}: answering the held-out chats with {wildcards.run}"
    shell:
        "python workflow_scripts/generate_responses.py --study {params.study} --corpus {input.corpus} "
        "--policy {input.policy} --reference {input.reference} --heldout {output.heldout} > {log} 2>&1"
