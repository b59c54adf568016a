rule events:
    input:
        dynamics=f"{RESULTS}/runs/{RUN}/dynamics.parquet",
        treated=rules.treat.output,
        run=f"{RESULTS}/runs/{RUN}/run.json",
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
        "settling events --dynamics {input.dynamics} --treated {input.treated} --run {input.run} --output {output} 2> {log}"
