rule tokenise:
    input:
        *map(at, (layout.TRAIN, layout.DEV, layout.TEST)),
        checkpoint=lambda wildcards: plan.checkpoint_folder(study, wildcards.checkpoint),
    output:
        at(layout.TOKENS),
    log:
        at(layout.log("tokenise", "{dataset}/{checkpoint}")),
    benchmark:
        at(layout.benchmark("tokenise", "{dataset}/{checkpoint}"))
    localrule: True
    conda:
        "../../envs/train.yaml"
    params:
        code=lambda wildcards: modules("settling.data.tokens"),
        data=subpath(input[0], parent=True),
    shell:
        "settling tokenise --data {params.data} --checkpoint {input.checkpoint} --output {output} 2> {log}"
