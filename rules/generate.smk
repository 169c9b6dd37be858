rule generate_responses:
    input:
        corpus="results/{study}/corpus",
        policy="results/{study}/{run}/policy",
        reference="results/{study}/sft/policy",
        prompts=get_prompts,
    output:
        heldout="results/{study}/{run}/responses/heldout.jsonl",
        judged="results/{study}/{run}/responses/judged.jsonl",
    log:
        "results/{study}/logs/generate_responses/{run}.log",
    benchmark:
        "results/{study}/benchmarks/generate_responses/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("generate_responses"),
    params:
        study="studies/{study}.yaml",
        prompts=get_prompts_option,
        server_log="results/{study}/logs/generate_responses/{run}.server.log",
        settings=get_settings("generation"),
        code=get_code("generate_responses"),
    message:
        "{wildcards.study}: answering all prompts with {wildcards.run}"
    shell:
        "python workflow_scripts/generate_responses.py --study {params.study} --corpus {input.corpus} "
        "--policy {input.policy} --reference {input.reference} --heldout {output.heldout} --judged {output.judged} "
        "--server-log {params.server_log} {params.prompts} > {log} 2>&1"
