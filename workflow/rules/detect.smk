rule detect:
    input:
        dynamics=f"{RESULTS}/runs/{RUN}/dynamics.parquet",
        treated=rules.treat.output,
        run=f"{RESULTS}/runs/{RUN}/run.json",
        scores=f"{RESULTS}/runs/{RUN}/scores.parquet",
    output:
        multiext(f"{RESULTS}/detectors/{RUN}/", "detectors.parquet", "losses.parquet"),
    log:
        f"{RESULTS}/logs/detect/{RUN}.log",
    benchmark:
        f"{RESULTS}/benchmarks/detect/{RUN}.tsv"
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.detectors.detect", *DETECTORS.values()),
        folder=subpath(output[0], parent=True),
    shell:
        "settling detect --dynamics {input.dynamics} --treated {input.treated} --scores {input.scores}"
        " --run {input.run} --output {params.folder} 2> {log}"
