rule describe_data:
    input:
        pairs="results/{study}/pairs",
        reference="results/{study}/reference",
        corpus="results/{study}/corpus",
        prompts=get_prompts,
    output:
        data=report(
            "results/{study}/tables/data.csv",
            caption="../report/data.rst",
            category="{study}",
            subcategory="tables",
            labels={"what": "the data"},
        ),
        lengths="results/{study}/tables/pair_lengths.csv",
    log:
        "results/{study}/logs/describe_data.log",
    benchmark:
        "results/{study}/benchmarks/describe_data.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("describe_data"),
    params:
        prompts=get_prompts_option,
        code=get_code("describe_data"),
    message:
        "{wildcards.study}: describing the data"
    shell:
        "python workflow_scripts/describe_data.py --pairs {input.pairs} --reference {input.reference} "
        "--corpus {input.corpus} {params.prompts} --table {output.data} --lengths {output.lengths} > {log} 2>&1"


rule plot_length_differences:
    input:
        data="results/{study}/tables/data.csv",
        lengths="results/{study}/tables/pair_lengths.csv",
    output:
        figures=[
            "results/{study}/figures/length_differences.pdf",
            "results/{study}/figures/length_differences.png",
            report(
                "results/{study}/figures/length_differences.svg",
                caption="../report/length_differences.rst",
                category="{study}",
                subcategory="figures",
                labels={"what": "lengths of chosen and rejected responses"},
            ),
        ],
        caption="results/{study}/figures/length_differences.tex",
    log:
        "results/{study}/logs/plot_length_differences.log",
    benchmark:
        "results/{study}/benchmarks/plot_length_differences.tsv"
    conda:
        "../envs/figures.yaml"
    threads: 1
    resources:
        **get_resources("plot_length_differences"),
    params:
        study="studies/{study}.yaml",
        title=get_title,
        code=get_code("plot_length_differences"),
    message:
        "{wildcards.study}: drawing the lengths of the responses"
    shell:
        "python workflow_scripts/plot_length_differences.py --study {params.study} --data {input.data} "
        "--lengths {input.lengths} --figures {output.figures} --caption {output.caption} > {log} 2>&1"
