localrules:
    make_prompts,


rule make_corpus:
    output:
        corpus=directory("results/{study}/corpus"),
    log:
        "results/{study}/logs/make_corpus.log",
    benchmark:
        "results/{study}/benchmarks/make_corpus.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("make_corpus"),
    params:
        study="studies/{study}.yaml",
        settings=get_settings("corpus"),
        code=get_world_code("make_corpus", "write_corpus"),
    message:
        "{wildcards.study}: writing chats and prompts"
    shell:
        "python workflow_scripts/make_corpus.py --study {params.study} --corpus {output.corpus} > {log} 2>&1"


rule train_sft:
    input:
        corpus="results/{study}/corpus",
    output:
        policy=directory("results/{study}/sft/policy"),
    log:
        "results/{study}/logs/train_sft.log",
    benchmark:
        "results/{study}/benchmarks/train_sft.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("train_sft"),
    params:
        study="studies/{study}.yaml",
        checkpoints="results/{study}/sft/checkpoints",
        settings=get_settings("sft"),
        code=get_world_code("train_sft", "start", "place_policy"),
    message:
        "{wildcards.study}: the SFT model that every cell starts from"
    shell:
        "python workflow_scripts/train_sft.py --study {params.study} --corpus {input.corpus} "
        "--policy {output.policy} --checkpoints {params.checkpoints} > {log} 2>&1"


rule make_pairs:
    input:
        corpus="results/{study}/corpus",
        policy="results/{study}/sft/policy",
        prompts=get_judged_prompts,
    output:
        pairs=directory("results/{study}/pairs"),
    log:
        "results/{study}/logs/make_pairs.log",
    benchmark:
        "results/{study}/benchmarks/make_pairs.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("make_pairs"),
    params:
        study="studies/{study}.yaml",
        prompts=get_judged_prompts_option,
        settings=get_settings("pairs"),
        code=get_world_code("make_pairs", "write_pairs"),
    message:
        "{wildcards.study}: writing preference pairs"
    shell:
        "python workflow_scripts/make_pairs.py --study {params.study} --corpus {input.corpus} "
        "--policy {input.policy} --pairs {output.pairs} {params.prompts} > {log} 2>&1"


rule make_prompts:
    input:
        instructions=get_alpaca_eval_file("instructions"),
        questions=get_mt_bench_files,
    output:
        prompts=directory("results/{study}/prompts"),
    log:
        "results/{study}/logs/make_prompts.log",
    benchmark:
        "results/{study}/benchmarks/make_prompts.tsv"
    conda:
        "../envs/judge.yaml"
    threads: 1
    resources:
        **get_resources("make_prompts"),
    params:
        study="studies/{study}.yaml",
        # Outside the outputs, which Snakemake deletes before a job starts.
        downloads="downloads",
        settings=get_settings("prompts"),
        code=get_world_code("make_prompts", "write_prompts"),
    message:
        "{wildcards.study}: writing the prompts that the judge will see"
    shell:
        "python workflow_scripts/make_prompts.py --study {params.study} --prompts {output.prompts} "
        "--downloads {params.downloads} > {log} 2>&1"
