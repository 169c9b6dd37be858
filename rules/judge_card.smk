# The sample may need FastChat's files from the network, as the prompts do.
localrules:
    sample_judge_card,
    ask_judge_card_by_api,


rule sample_judge_card:
    input:
        stored=get_judge_card_files,
    output:
        sample="results/{study}/judge_card/sample.json",
    log:
        "results/{study}/logs/sample_judge_card.log",
    conda:
        "../envs/judge.yaml"
    threads: 1
    resources:
        **get_resources("sample_judge_card"),
    params:
        study="studies/{study}.yaml",
        downloads="downloads",
        settings=get_settings("card_sample"),
        code=get_world_code("sample_judge_card", "write_prompts"),
    message:
        "{wildcards.study}: choosing what the judge is asked for its card"
    shell:
        "python workflow_scripts/sample_judge_card.py --study {params.study} --sample {output.sample} "
        "--downloads {params.downloads} > {log} 2>&1"


rule ask_judge_card:
    input:
        sample="results/{study}/judge_card/sample.json",
    output:
        judgments="results/{study}/judge_card/judgments.jsonl",
    log:
        "results/{study}/logs/ask_judge_card.log",
    benchmark:
        "results/{study}/benchmarks/ask_judge_card.tsv"
    wildcard_constraints:
        study=get_judge_pattern(local=False),
    conda:
        get_judge_environment
    threads: 1
    resources:
        **get_resources("ask_judge_card"),
    params:
        study="studies/{study}.yaml",
        # Outside the outputs, which Snakemake deletes when a job fails: what was paid for is kept.
        ledger="results/{study}/ledgers/judge_card",
        server_log="results/{study}/logs/ask_judge_card.server.log",
        settings=get_settings("card_judging"),
        code=get_code("ask_judge_card"),
    message:
        "{wildcards.study}: asking the judge what another one was asked"
    shell:
        "python workflow_scripts/ask_judge_card.py --study {params.study} --sample {input.sample} "
        "--ledger {params.ledger} --judgments {output.judgments} --server-log {params.server_log} > {log} 2>&1"


# Judges that are reached over the network, as in judge_by_api.
use rule ask_judge_card as ask_judge_card_by_api with:
    wildcard_constraints:
        study=get_judge_pattern(local=True),


rule collect_judge_card:
    input:
        sample="results/{study}/judge_card/sample.json",
        judgments="results/{study}/judge_card/judgments.jsonl",
    output:
        table=report(
            "results/{study}/tables/judge_card.csv",
            caption="../report/judge_card.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "the judge beside a stored one"},
        ),
    log:
        "results/{study}/logs/collect_judge_card.log",
    benchmark:
        "results/{study}/benchmarks/collect_judge_card.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("collect_judge_card"),
    params:
        study="studies/{study}.yaml",
        judge=get_judge,
        code=get_code("collect_judge_card"),
    message:
        "{wildcards.study}: comparing the judge with a stored one"
    shell:
        "python workflow_scripts/collect_judge_card.py --study {params.study} --sample {input.sample} "
        "--judgments {input.judgments} --table {output.table} > {log} 2>&1"


rule plot_judge_card:
    input:
        sample="results/{study}/judge_card/sample.json",
        judgments="results/{study}/judge_card/judgments.jsonl",
        table="results/{study}/tables/judge_card.csv",
    output:
        figures=[
            "results/{study}/figures/judge_card.pdf",
            "results/{study}/figures/judge_card.png",
            report(
                "results/{study}/figures/judge_card.svg",
                caption="../report/judge_card.rst",
                category="{study}",
                subcategory="figures",
                labels={"what": "the judge card"},
            ),
        ],
        caption="results/{study}/figures/judge_card.tex",
    log:
        "results/{study}/logs/plot_judge_card.log",
    benchmark:
        "results/{study}/benchmarks/plot_judge_card.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("plot_judge_card"),
    params:
        study="studies/{study}.yaml",
        title=get_title,
        judge=get_judge,
        code=get_code("plot_judge_card"),
    message:
        "{wildcards.study}: drawing the judge card"
    shell:
        "python workflow_scripts/plot_judge_card.py --study {params.study} --sample {input.sample} "
        "--judgments {input.judgments} --table {input.table} --figures {output.figures} "
        "--caption {output.caption} > {log} 2>&1"
