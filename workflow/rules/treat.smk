rule treat:
    input:
        f"{RESULTS}/data/{{dataset}}/train.parquet",
    output:
        f"{RESULTS}/treated/{{dataset}}/{{treatment}}/noise-seed{{noise_seed}}.parquet",
    log:
        f"{RESULTS}/logs/treat/{{dataset}}/{{treatment}}/noise-seed{{noise_seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/treat/{{dataset}}/{{treatment}}/noise-seed{{noise_seed}}.tsv"
    localrule: True
    conda:
        "../../envs/train.yaml"
    params:
        spec=lambda wildcards: plan.treatment_spec(treatments[wildcards.treatment], int(wildcards.noise_seed)),
        code=lambda wildcards: modules(
            "settling.treatments.treat",
            TREATMENTS[treatments[wildcards.treatment]["kind"]],
        ),
    shell:
        "settling treat --spec {params.spec:q} --train {input} --output {output} 2> {log}"
