RUN = "{dataset}/{treatment}/draw{draw}/{system}/seed{seed}"


rule train:
    input:
        treated=rules.treat.output,
        dev=f"{RESULTS}/data/{{dataset}}/dev.parquet",
        test=f"{RESULTS}/data/{{dataset}}/test.parquet",
        checkpoint=lambda wildcards: plan.checkpoint_of(study, wildcards.system, RESULTS),
        images=lambda wildcards: plan.images_of(study, wildcards.dataset, RESULTS),
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
        checkpoint=lambda wildcards, input: f"--checkpoint {input.checkpoint}" if input.checkpoint else "",
        images=lambda wildcards, input: f"--images {input.images}" if input.images else "",
        # Outside the outputs, which Snakemake deletes before it runs an interrupted job again.
        state=f"{RESULTS}/state/{RUN}.pt",
    shell:
        "settling train --spec {params.spec:q} --treated {input.treated} --dev {input.dev} --test {input.test}"
        " {params.checkpoint} {params.images} --output {params.folder} --state {params.state} --threads {threads} 2> {log}"
