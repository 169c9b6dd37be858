localrules:
    describe_environment,


rule describe_environment:
    output:
        packages="downloads/environments/{environment}.txt",
    log:
        "downloads/logs/describe_environment/{environment}.log",
    conda:
        "../envs/{environment}.yaml"
    threads: 1
    resources:
        **get_resources("describe_environment"),
    params:
        code=get_code("describe_environment"),
    message:
        "writing down the packages of environment {wildcards.environment}"
    shell:
        "python workflow_scripts/describe_environment.py --packages {output.packages} > {log} 2>&1"
