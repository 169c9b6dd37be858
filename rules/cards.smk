rule write_cards:
    input:
        tables=collect_tables(CARD_TABLES),
        health=collect_cell_files("health.json"),
        reference="results/{study}/reference",
    output:
        # A copy of each card goes into its policy's folder, if that is still there: the folder is another rule's output,
        # whose time Snakemake reads from a file of its own, so that nothing is made again for it.
        cards=directory("results/{study}/cards"),
    log:
        "results/{study}/logs/write_cards.log",
    benchmark:
        "results/{study}/benchmarks/write_cards.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("write_cards"),
    params:
        study="studies/{study}.yaml",
        settings=get_settings("card"),
        quality=get_quality,
        code=get_code("write_cards"),
    message:
        "{wildcards.study}: writing the model cards"
    shell:
        "python workflow_scripts/write_cards.py --study {params.study} --results results/{wildcards.study} "
        "--cards {output.cards} > {log} 2>&1"
