RUN = "{dataset}/{treatment}/draw{draw}/{system}/seed{seed}"


rule train:
    input:
        treated=rules.treat.output,
        dev=f"{RESULTS}/data/{{dataset}}/dev.parquet",
        test=f"{RESULTS}/data/{{dataset}}/test.parquet",
        checkpoint=lambda wildcards: f"{RESULTS}/checkpoints/{study.systems[wildcards.system].checkpoint}",
    output:
        multiext(f"{RESULTS}/runs/{RUN}/", "dynamics.parquet", "scores.parquet", "run.json"),
    log:
        f"{RESULTS}/logs/train/{RUN}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{RUN}.tsv"
    conda:
        "../../envs/train.yaml"
    params:
        spec=lambda wildcards: plan.training_spec(study, wildcards.system, int(wildcards.seed)),
        code=lambda wildcards: fingerprint("settling.training.train", SYSTEMS[study.systems[wildcards.system].kind]),
        folder=subpath(output[0], parent=True),
        # Outside the outputs, which Snakemake deletes before it runs an interrupted job again.
        state=f"{RESULTS}/state/{RUN}.pt",
    shell:
        "settling train --spec {params.spec:q} --treated {input.treated} --dev {input.dev} --test {input.test}"
        " --checkpoint {input.checkpoint} --output {params.folder} --state {params.state}"
        " --threads {threads} 2> {log}"
