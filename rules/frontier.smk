rule score_frontier:
    input:
        responses="results/{study}/{run}/responses/heldout.jsonl",
    output:
        scores="results/{study}/{run}/scores/frontier.jsonl",
    log:
        "results/{study}/logs/score_frontier/{run}.log",
    benchmark:
        "results/{study}/benchmarks/score_frontier/{run}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("score_frontier"),
    params:
        code=get_code("score_frontier"),
    message:
        "{wildcards.study}: reward, where there is one, and KL of {wildcards.run}"
    shell:
        "python workflow_scripts/score_frontier.py --responses {input.responses} --scores {output.scores} "
        "> {log} 2>&1"
