FILES_OF_TREATMENTS = any(
    contains_wildcard(path) for treatment in treatments.values() for path in plan.treatment_files(treatment)
)


rule treat:
    input:
        train=at(layout.TRAIN),
        files=lambda wildcards: taken(plan.treatment_files(treatments[wildcards.treatment])),
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
        **(
            {"files": lambda wildcards: seen(plan.treatment_files(treatments[wildcards.treatment]))}
            if FILES_OF_TREATMENTS
            else {}
        ),
        spec=lambda wildcards: canonical(
            plan.treatment_spec(treatments[wildcards.treatment], int(wildcards.noise_seed))
        ),
        code=lambda wildcards: modules(
            "settling.treatments.treat",
            *plan.treatment_code(treatments[wildcards.treatment]),
        ),
    shell:
        "settling treat --spec {params.spec:q} --train {input.train} --output {output} 2> {log}"
