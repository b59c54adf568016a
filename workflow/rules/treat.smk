rule treat:
    input:
        f"{RESULTS}/data/{{dataset}}/train.parquet",
    output:
        f"{RESULTS}/treated/{{dataset}}/{{treatment}}/draw{{draw}}.parquet",
    log:
        f"{RESULTS}/logs/treat/{{dataset}}/{{treatment}}/draw{{draw}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/treat/{{dataset}}/{{treatment}}/draw{{draw}}.tsv"
    localrule: True
    conda:
        "../../envs/train.yaml"
    params:
        spec=lambda wildcards: plan.treatment_spec(treatments[wildcards.treatment], int(wildcards.draw)),
        code=lambda wildcards: modules(
            "settling.treatments.treat",
            TREATMENTS[treatments[wildcards.treatment]["kind"]],
        ),
    shell:
        "settling treat --spec {params.spec:q} --train {input} --output {output} 2> {log}"
