rule score_frontier:
    input:
        responses="results/{study}/{run}/responses/heldout.jsonl",
    output:
        scores="results/{study}/{run}/scores/frontier.jsonl",
    log:
        "results/{study}/logs/score_frontier/{run}.log",
    benchmark:
        "results/{study}/benchmarks/score_frontier/{run}.tsv"
    wildcard_constraints:
        study=get_classified_pattern(False),
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        **get_resources("score_frontier"),
    params:
        study="studies/{study}.yaml",
        settings=get_settings("frontier"),
        code=get_world_code("score_frontier", "score_frontier"),
    message:
        "{wildcards.study}: reward, where there is one, and KL divergence of {wildcards.run}"
    shell:
        "python workflow_scripts/score_frontier.py --study {params.study} --responses {input.responses} "
        "--scores {output.scores} > {log} 2>&1"


# A reward that a model computes is a job for a node, with a GPU where the study has one.
use rule score_frontier as score_by_classifier with:
    wildcard_constraints:
        study=get_classified_pattern(True),
    resources:
        **get_resources("score_by_classifier"),
