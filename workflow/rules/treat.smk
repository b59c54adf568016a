rule treat:
    input:
        at(layout.TRAIN),
    output:
        at(layout.TREATED),
    log:
        at(layout.log("treat", layout.TREATED_SPLIT)),
    benchmark:
        at(layout.benchmark("treat", layout.TREATED_SPLIT))
    localrule: True
    conda:
        "../../envs/train.yaml"
    params:
        spec=lambda wildcards: canonical(
            plan.treatment_spec(treatments[wildcards.treatment], int(wildcards.noise_seed))
        ),
        code=lambda wildcards: modules(
            "settling.treatments.treat",
            TREATMENTS[treatments[wildcards.treatment]["kind"]],
        ),
    shell:
        "settling treat --spec {params.spec:q} --train {input} --output {output} 2> {log}"
