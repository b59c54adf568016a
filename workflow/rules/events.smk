rule events:
    input:
        dynamics=f"{RESULTS}/runs/{RUN}/dynamics.parquet",
        treated=rules.treat.output,
    output:
        f"{RESULTS}/events/{RUN}.parquet",
    log:
        f"{RESULTS}/logs/events/{RUN}.log",
    benchmark:
        f"{RESULTS}/benchmarks/events/{RUN}.tsv"
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.analysis.events"),
    shell:
        "settling events --dynamics {input.dynamics} --treated {input.treated} --output {output} 2> {log}"
